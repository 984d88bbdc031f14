"""The buyer's waitlist: join, see one's turn, take an offer or pass it on."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from shops.accounts.models import User
from shops.facts.refused import NotFound
from shops.stock import queries, services
from shops.stock.services import BadWish


@require_safe
@login_required
def waitlist(request: HttpRequest) -> HttpResponse:
    user = _me(request)
    context = {
        "offers": queries.offers_of(user_id=user.pk),
        "waiting": queries.waiting_of(user_id=user.pk),
        "ended": queries.ended_of(user_id=user.pk),
    }
    return render(request, "stock/waitlist.html", context)


@require_POST
@login_required
def join(request: HttpRequest) -> HttpResponse:
    entry = services.join(
        user=_me(request),
        sku_id=_whole(request.POST.get("sku", ""), NotFound),
        quantity=_whole(request.POST.get("quantity", "1"), BadWish),
        now=timezone.now(),
    )
    if not entry.is_offered:
        messages.success(request, _("You are on the list. We tell you when it is your turn."))
    return redirect("stock:waitlist")


@require_POST
@login_required
def decline(request: HttpRequest, entry_id: int) -> HttpResponse:
    services.decline(entry_id=entry_id, user_id=_me(request).pk, now=timezone.now())
    messages.success(request, _("All right. The next person gets it."))
    return redirect("stock:waitlist")


@require_POST
@login_required
def leave(request: HttpRequest, entry_id: int) -> HttpResponse:
    services.leave(entry_id=entry_id, user_id=_me(request).pk, now=timezone.now())
    messages.success(request, _("You wait for it no longer."))
    return redirect("stock:waitlist")


def _me(request: HttpRequest) -> User:
    """Give the signed-in user of a view that asks for one."""
    return cast(User, request.user)


def _whole(text: str, refused: type[NotFound] | type[BadWish]) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise refused
    return int(text)
