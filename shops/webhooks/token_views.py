"""Pages of API tokens: a user's own, and a shop's."""

from typing import cast

from django.contrib import messages as flashes
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from shops.accounts.models import User
from shops.catalog.models import Shop
from shops.catalog.queries import managed_shop
from shops.facts.refused import Refused
from shops.webhooks import queries
from shops.webhooks.forms import TokenForm
from shops.webhooks.services import tokens


@login_required
@require_safe
def overview(request: HttpRequest, shop: str = "") -> HttpResponse:
    owner = _shop(request, shop)
    context = {
        "shop": owner,
        "tokens": queries.tokens_of(user=_user(request), shop=owner),
        "now": timezone.now(),
    }
    return render(request, "webhooks/tokens.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def make(request: HttpRequest, shop: str = "") -> HttpResponse:
    """Make a token and show it on the answer itself: no other page ever has its text."""
    owner = _shop(request, shop)
    form = TokenForm(request.POST or None, is_for_shop=owner is not None)
    if request.method == "POST" and form.is_valid():
        now = timezone.now()
        try:
            made = tokens.make_token(
                user=_user(request),
                shop=owner,
                name=form.cleaned_data["name"],
                scopes=form.cleaned_data["scopes"],
                expires_at=form.expires_at(now=now),
                now=now,
            )
        except Refused as refused:
            form.add_error(None, str(refused))
        else:
            context = {"shop": owner, "token": made.token, "text": made.text}
            answer = render(request, "webhooks/token_made.html", context, status=201)
            answer.headers["Cache-Control"] = "no-store"
            return answer
    status = 400 if form.errors else 200
    shown = {"shop": owner, "form": form}
    return render(request, "webhooks/token_form.html", shown, status=status)


@login_required
@require_http_methods(["GET", "POST"])
def revoke(request: HttpRequest, token_id: int, shop: str = "") -> HttpResponse:
    """Ask on GET, with what it means; revoke on POST, for good."""
    owner, user = _shop(request, shop), _user(request)
    if request.method == "POST":
        tokens.revoke_token(token_id=token_id, user=user, shop=owner, now=timezone.now())
        flashes.success(request, _("The token is revoked. Nobody can use it any more."))
        if owner is not None:
            return redirect("webhooks:shop_tokens", owner.slug)
        return redirect("webhooks:tokens")
    token = queries.token_of(token_id=token_id, user=user, shop=owner)
    return render(request, "webhooks/token_revoke.html", {"shop": owner, "token": token})


def _shop(request: HttpRequest, slug: str) -> Shop | None:
    return managed_shop(user=request.user, slug=slug) if slug else None


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)
