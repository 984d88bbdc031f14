"""What all forms of the chat have in common: numbers, and where to go afterwards."""

import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from shops.facts.refused import Invalid


def wants_json(request: HttpRequest) -> bool:
    return "application/json" in request.headers.get("Accept", "")


def back(request: HttpRequest, piece_id: int) -> HttpResponse:
    """Return to the page that the form stood on, or answer a script with nothing."""
    if wants_json(request):
        return HttpResponse(status=204)
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}):
        target = reverse("live:show", args=[piece_id])
    return redirect(target)


def number(request: HttpRequest, name: str) -> int:
    """Read a number of a form.

    :raises Invalid: there is none
    """
    text = request.POST.get(name, "")
    if not text.isdecimal() or len(text) > 18:
        raise Invalid
    return int(text)


def number_or_none(request: HttpRequest, name: str) -> int | None:
    return number(request, name) if request.POST.get(name) else None


def client_id(request: HttpRequest) -> uuid.UUID:
    """Read what a form calls its line or question, so that sending it twice does it once.

    :raises Invalid: it is no UUID
    """
    try:
        return uuid.UUID(request.POST.get("client_id", ""))
    except ValueError:
        raise Invalid from None
