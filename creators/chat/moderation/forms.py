"""Reading what moderators' forms and scripts send."""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import TypedDict

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from creators.chat.models import FilterEffect, FilterKind
from creators.chat.moderation.authority import Place, place_of
from creators.chat.moderation.filters import Rule
from creators.chat.words import clean
from creators.profiles.signed_in import signed_in
from shops.accounts.models import User
from shops.facts.refused import Invalid

View = Callable[..., HttpResponse]


def wants_json(request: HttpRequest) -> bool:
    return "application/json" in request.headers.get("Accept", "")


def back(request: HttpRequest, page: str) -> HttpResponse:
    """Return to the page that a form stood on, or answer a script with nothing."""
    if wants_json(request):
        return HttpResponse(status=204)
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}):
        target = page
    return redirect(target)


def number(request: HttpRequest, name: str) -> int:
    """Read a number that must be there.

    :raises Invalid: it isn't, or is none
    """
    text = request.POST.get(name, "")
    if not text.isdecimal() or len(text) > 18:
        raise Invalid
    return int(text)


def number_or(request: HttpRequest, name: str, otherwise: int) -> int:
    return number(request, name) if request.POST.get(name) else otherwise


def search(request: HttpRequest) -> str:
    """Read the words that somebody looks for."""
    return clean(request.GET.get("q", "")[:80])


def skipped(request: HttpRequest) -> int:
    """Read how many newer entries of a log somebody has seen."""
    text = request.GET.get("from", "0")
    return min(int(text), 10_000) if text.isdecimal() and len(text) < 9 else 0


def reason(request: HttpRequest) -> str:
    return request.POST.get("reason", "")


def lasts(request: HttpRequest) -> timedelta | None:
    """Read how long something is to hold; None when `seconds` is empty: without an end."""
    if not request.POST.get("seconds"):
        return None
    return timedelta(seconds=min(number(request, "seconds"), 10**9))


def place(request: HttpRequest, piece_id: int) -> Place:
    """Read whether this show is meant or all of its creator's."""
    return place_of(piece_id, scope=request.POST.get("scope") or "show")


def rule(request: HttpRequest) -> Rule:
    """Read a filter that was not saved."""
    return Rule(
        0,
        request.POST.get("kind", FilterKind.WORDS),
        request.POST.get("text", "").strip(),
        request.POST.get("effect", FilterEffect.WITHHOLD),
    )


def flag(request: HttpRequest, name: str) -> bool:
    return request.POST.get(name, "") in ("1", "on", "true")


class SentRules(TypedDict):
    slow_seconds: int
    hold_seconds: int
    followers_only: bool
    as_default: bool


def rules(request: HttpRequest) -> SentRules:
    """Read the rules of a chat; what is left empty is off."""
    return {
        "slow_seconds": number_or(request, "slow_seconds", 0),
        "hold_seconds": number_or(request, "hold_seconds", 0),
        "followers_only": flag(request, "followers_only"),
        "as_default": flag(request, "as_default"),
    }


def confirmed(request: HttpRequest) -> bool:
    """Tell whether a harm was confirmed; scripts ask before they send."""
    return wants_json(request) or flag(request, "confirmed")


def ask(request: HttpRequest, *, title: str, text: str, button: str, page: str) -> HttpResponse:
    """Ask before harm is done, with all that the form said."""
    kept = [
        (name, value)
        for name, values in request.POST.lists()
        for value in values
        if name not in ("csrfmiddlewaretoken", "confirmed")
    ]
    return render(
        request,
        "moderation/confirm.html",
        {"title": title, "text": text, "button": button, "kept": kept, "page": page},
    )


def door(press: Callable[..., HttpResponse]) -> View:
    """Make a door that takes what a signed-in user posts: press(request, …, by)."""

    @login_required
    @require_POST
    @wraps(press)
    def view(request: HttpRequest, *args: int, **kwargs: int) -> HttpResponse:
        return press(request, *args, by=signed_in(request), **kwargs)

    return view


def name_of(user_id: int) -> str:
    """Say how somebody is called."""
    return User.objects.filter(pk=user_id).values_list("display_name", flat=True).first() or str(
        _("this user")
    )
