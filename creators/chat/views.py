"""The chat over HTTP: for pages without JavaScript, and when the socket is away."""

import uuid
from datetime import timedelta

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from creators.chat import posting, services
from creators.pieces import access
from creators.profiles.signed_in import signed_in
from shops.facts.refused import Invalid


def _wants_json(request: HttpRequest) -> bool:
    return "application/json" in request.headers.get("Accept", "")


def _back(request: HttpRequest, piece_id: int) -> HttpResponse:
    """Return to the page that the form stood on, or answer a script with nothing."""
    if _wants_json(request):
        return HttpResponse(status=204)
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}):
        target = reverse("live:show", args=[piece_id])
    return redirect(target)


def _number(request: HttpRequest, name: str) -> int:
    text = request.POST.get(name, "")
    if not text.isdecimal() or len(text) > 18:
        raise Invalid
    return int(text)


@login_required
@require_POST
def post(request: HttpRequest, piece_id: int) -> HttpResponse:
    try:
        client_id = uuid.UUID(request.POST.get("client_id", ""))
    except ValueError:
        raise Invalid from None
    access.check(request, piece_id)
    message = posting.post_message(
        piece_id=piece_id,
        author=signed_in(request),
        client_id=client_id,
        body=request.POST.get("body", ""),
        now=timezone.now(),
    )
    if _wants_json(request):
        return JsonResponse({"id": message.pk}, status=201)
    return _back(request, piece_id)


@login_required
@require_POST
def delete(request: HttpRequest, piece_id: int) -> HttpResponse:
    services.delete_message(
        message_id=_number(request, "message"), by=signed_in(request), now=timezone.now()
    )
    return _back(request, piece_id)


@login_required
@require_POST
def mute(request: HttpRequest, piece_id: int) -> HttpResponse:
    minutes = _number(request, "minutes") if "minutes" in request.POST else 10
    muted = services.mute(
        piece_id=piece_id,
        user_id=_number(request, "user"),
        by=signed_in(request),
        lasts=timedelta(minutes=min(minutes, 100_000)),
        now=timezone.now(),
    )
    if not _wants_json(request):
        messages.success(request, _("%(name)s is muted.") % {"name": muted.user})
    return _back(request, piece_id)


@login_required
@require_POST
def unmute(request: HttpRequest, piece_id: int) -> HttpResponse:
    services.unmute(
        piece_id=piece_id,
        user_id=_number(request, "user"),
        by=signed_in(request),
        now=timezone.now(),
    )
    return _back(request, piece_id)
