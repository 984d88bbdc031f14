"""Counting that a product was opened."""

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_POST

from creators.audience.services import record_click, viewer_key
from creators.pieces import access
from shops.facts.refused import Invalid


@require_POST
def click(request: HttpRequest, piece_id: int) -> HttpResponse:
    product = request.POST.get("product", "")
    if not product.isdecimal() or len(product) > 18:
        raise Invalid
    access.check(request, piece_id)
    # A guest is counted by the browser's session, which the show's page began. It must not begin
    # here: this answer comes at any time, and would take the place of the session with the cart.
    if request.user.is_authenticated or request.session.session_key is not None:
        record_click(
            piece_id=piece_id,
            product_id=int(product),
            viewer=viewer_key(user=request.user, session_key=request.session.session_key),
            now=timezone.now(),
        )
    return HttpResponse(status=204)
