"""The chat over HTTP: for pages without JavaScript, and when the socket is away."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from creators.chat import posting
from creators.chat.doors import back, client_id, number_or_none, wants_json
from creators.pieces import access
from creators.profiles.signed_in import signed_in


@login_required
@require_POST
def post(request: HttpRequest, piece_id: int) -> HttpResponse:
    access.check(request, piece_id)
    posted = posting.Posted(
        posting.post_message(
            piece_id=piece_id,
            author=signed_in(request),
            client_id=client_id(request),
            body=request.POST.get("body", ""),
            reply_to=number_or_none(request, "reply_to"),
            now=timezone.now(),
        )
    )
    if wants_json(request):
        return JsonResponse(
            {"id": posted.message_id, "state": posted.state, "shown_at": posted.shown_at},
            status=201,
        )
    if posted.state == "held":
        messages.info(request, _("Your line is shown in a few seconds."))
    elif posted.state == "withheld":
        messages.info(request, _("A moderator looks at your line before others see it."))
    return back(request, piece_id)
