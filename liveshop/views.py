"""What belongs to no room: home, stored files, and what is shown when the server fails."""

import sys
from pathlib import PurePosixPath
from typing import Final

from django.core.exceptions import SuspiciousFileOperation
from django.core.files.storage import default_storage
from django.db import InterfaceError, OperationalError
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views import defaults
from django.views.decorators.http import require_safe

from liveshop import home as shown
from liveshop import ranges, watch_again
from liveshop.middleware import wants_json

RETRY_AFTER_SECONDS: Final = 5
STORED_KINDS: Final = {
    ".webp": "image/webp",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".mp4": "video/mp4",
    ".webm": "video/webm",
}


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return render(
        request,
        "home/home.html",
        {
            "live": shown.live_cards(),
            "upcoming": shown.upcoming_cards(now=timezone.now()),
            "replays": watch_again.replay_cards(),
            "moments": watch_again.moments(),
            "products": shown.new_products(),
            "shops": shown.shops(),
        },
    )


@require_safe
def icon(request: HttpRequest) -> HttpResponse:
    """Lead browsers that ask for the icon by its old name to ours (the admin names none)."""
    return redirect(static("liveshop/img/favicon.svg"))


@require_safe
def stored(request: HttpRequest, name: str) -> HttpResponse | FileResponse:
    """Serve a file that was uploaded or made, as nginx does in production.

    Only kinds that we write ourselves, so that no file can ever be a page; a name is given once.
    """
    kind = STORED_KINDS.get(PurePosixPath(name).suffix)
    if kind is None:
        raise Http404
    try:
        # It opens nothing outside of its folder.
        file = default_storage.open(name)
    except (OSError, SuspiciousFileOperation, ValueError):
        raise Http404 from None
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "Accept-Ranges": "bytes"}
    try:
        part = ranges.asked(request.headers.get("Range", ""), file.size)
    except ranges.NotSatisfiable:
        headers["Content-Range"] = f"bytes */{file.size}"
        file.close()
        return HttpResponse(status=416, headers=headers)
    if part is None:
        return FileResponse(file, content_type=kind, headers=headers)
    first, end = part
    headers["Content-Range"] = f"bytes {first}-{end - 1}/{file.size}"
    with file:
        file.seek(first)
        return HttpResponse(file.read(end - first), status=206, content_type=kind, headers=headers)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer for an exception that nobody caught: 503 when the database is away, else 500.

    It is called while the exception is handled. Nothing here may ask the database.
    """
    if not isinstance(sys.exc_info()[1], InterfaceError | OperationalError):
        if not wants_json(request):
            return defaults.server_error(request)
        return JsonResponse(
            {
                "type": "about:blank",
                "title": _("That was our fault. It is noted."),
                "status": 500,
                "code": "server_error",
            },
            status=500,
            content_type="application/problem+json",
        )
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
    if wants_json(request):
        title = _("We are away for a moment. Try again in a few seconds.")
        return JsonResponse(
            {"type": "/problems/unavailable", "title": title, "status": 503, "code": "unavailable"},
            status=503,
            content_type="application/problem+json",
            headers=headers,
        )
    return HttpResponse(render_to_string("503.html"), status=503, headers=headers)
