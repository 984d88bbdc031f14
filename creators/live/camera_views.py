"""Where the camera in the host's console asks where to send its picture."""

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from creators.live import queries, services
from creators.media.queries import ingest_url
from creators.profiles.signed_in import signed_in
from shops.facts.refused import Refused


class NoPicture(Refused):
    code = "no_picture"
    message = _("This show takes no picture. Schedule a new one.")


@login_required
@never_cache
@require_POST
def camera_address(request: HttpRequest, piece_id: int) -> JsonResponse:
    """Answer a signed address for the camera of a show's host."""
    session = queries.show(piece_id)
    if session.piece.creator.user_id != signed_in(request).pk:
        raise services.NotHost
    if session.is_over:
        raise services.ShowOver
    if session.stream is None or not session.stream.is_open:
        raise NoPicture
    return JsonResponse(
        {
            "url": ingest_url(session.stream, now=timezone.now()),
            "max_kbps": settings.STREAM_MAX_KBPS,
        }
    )
