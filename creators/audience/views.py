"""Counting that a product was opened."""

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_POST

from creators.audience.services import record_click, viewer_key
from shops.facts.refused import Invalid


@require_POST
def click(request: HttpRequest, piece_id: int) -> HttpResponse:
    product = request.POST.get("product", "")
    if not product.isdecimal() or len(product) > 18:
        raise Invalid
    if not request.user.is_authenticated and request.session.session_key is None:
        # A guest is counted by the browser's session, so there must be one.
        request.session.create()
    record_click(
        piece_id=piece_id,
        product_id=int(product),
        viewer=viewer_key(user=request.user, session_key=request.session.session_key),
        now=timezone.now(),
    )
    return HttpResponse(status=204)
