"""The cart: its page, its panel, and what is done in it."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import HttpHeaders
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from shops.accounts.countries import COUNTRIES
from shops.accounts.models import User
from shops.checkout import queries, services
from shops.checkout.models import CartLine
from shops.checkout.owner import owner_of, owner_to_write
from shops.checkout.policies import cart_keeps
from shops.facts.addresses import address_of
from shops.facts.idempotency import HEADER, Answer, with_key
from shops.facts.refused import NotFound, Refused
from shops.facts.throttle import TooMany, take_turn
from shops.stock.services import BadQuantity

_KEY: Final = HttpHeaders.to_wsgi_name(HEADER)
_UNDO: Final = "cart_undo"
_COUNTRY: Final = "ships_to"
# What carts without an account keep, from one place: new carts cost nothing, and without an end
# they would keep everything from everybody.
_MOST_KEPT: Final = 100
_KEPT_WITHIN: Final = timedelta(minutes=15)


class TooManyKept(TooMany):
    code = "too_many_kept"
    message = gettext_lazy(
        "Much of this is kept for others where you are. Sign in to go on, or try again later."
    )


def user_of(request: HttpRequest) -> User:
    """Give the signed-in user of a view that asks for one."""
    return cast(User, request.user)


def for_program(request: HttpRequest) -> bool:
    # Most programs say just that; reading all that a browser may say takes longer.
    if request.META.get("HTTP_ACCEPT") == "application/json":
        return True
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


@require_GET
def cart(request: HttpRequest) -> HttpResponse:
    return cart_page(request)


@require_GET
def panel(request: HttpRequest) -> HttpResponse:
    return cart_page(request, template="checkout/parts/cart.html")


@require_POST
def add(request: HttpRequest) -> HttpResponse:
    """Put units on top of those in the cart: each press is a wish of its own.

    A program that tries again says by an Idempotency-Key that it is the same wish.
    """
    is_for_program = for_program(request)
    key = request.META.get(_KEY, "")
    if is_for_program and key:
        owner = owner_to_write(request)
        answer = with_key(
            scope=f"cart-add:{owner.room}",
            key=key,
            body=dict(request.POST.items()),
            effect=lambda: Answer(200, _added(request, _add(request))),
        )
        return JsonResponse(dict(answer.body), status=answer.status)
    line = _add(request)
    if is_for_program:
        return JsonResponse(_added(request, line))
    messages.success(request, _("“%(title)s” is in your cart.") % {"title": line.sku.product.title})
    return redirect(_next(request) or "checkout:cart")


@require_POST
def buy(request: HttpRequest) -> HttpResponse:
    # Who comes back and presses "Buy now" again wants it now, not twice.
    _add(request, is_top_up=True)
    return redirect("checkout:checkout")


@require_POST
def change_line(request: HttpRequest, sku_id: int) -> HttpResponse:
    quantity = _whole(request.POST.get("quantity", ""))
    try:
        before = services.set_quantity(
            owner=owner_to_write(request),
            sku_id=sku_id,
            quantity=quantity,
            version=_whole(request.POST.get("version", "")),
            now=datetime.now(UTC),
        )
    except Refused as refused:
        if for_program(request):
            raise
        if request.headers.get("HX-Request"):
            return cart_page(request, template="checkout/parts/cart.html", refused=refused)
        if isinstance(refused, services.CartMoved):
            return cart_page(request, refused=refused, status=refused.status)
        raise
    if for_program(request):
        return JsonResponse(_added(request, before))
    if quantity == 0:
        request.session[_UNDO] = {
            "sku_id": sku_id,
            "quantity": before.quantity,
            "referral": before.referral,
            "title": before.sku.product.title,
        }
    if request.headers.get("HX-Request"):
        return cart_page(request, template="checkout/parts/cart.html")
    return redirect("checkout:cart")


@require_POST
def keep(request: HttpRequest) -> HttpResponse:
    """Keep what the cart keeps for longer; asking twice gives no more time than asking once."""
    try:
        services.keep_cart(owner=owner_of(request), now=datetime.now(UTC))
    except Refused as refused:
        if for_program(request):
            raise
        messages.info(request, str(refused))
    return redirect("checkout:cart")


@require_POST
def deliver_to(request: HttpRequest) -> HttpResponse:
    """Remember the country that a cart's price is worked out for."""
    country = request.POST.get("country", "")
    if country in COUNTRIES:
        request.session[_COUNTRY] = country
    return redirect("checkout:cart")


def chosen_country(request: HttpRequest) -> str:
    """Tell which country this browser chose; "" when it chose none."""
    return str(request.session.get(_COUNTRY, ""))


def _add(request: HttpRequest, *, is_top_up: bool = False) -> CartLine:
    sku_id = request.POST.get("sku", "")
    if not re.fullmatch(r"[0-9]{1,18}", sku_id):
        raise NotFound
    if not request.user.is_authenticated and cart_keeps(int(sku_id)):
        _take_turn_to_keep(request)
    return services.add_to_cart(
        owner=owner_to_write(request),
        sku_id=int(sku_id),
        quantity=_whole(request.POST.get("quantity", "1")),
        referral=_credited(request, request.POST.get("referral", "")),
        is_top_up=is_top_up,
        now=datetime.now(UTC),
    )


def client_of(request: HttpRequest) -> str:
    """Tell where a request comes from."""
    peer = request.META.get("REMOTE_ADDR", "")
    return address_of(peer, request.headers.get("X-Forwarded-For", ""))


def _take_turn_to_keep(request: HttpRequest) -> None:
    name = f"cart-keeps:{client_of(request)}"
    try:
        take_turn(name, most=_MOST_KEPT, within=_KEPT_WITHIN)
    except TooMany:
        raise TooManyKept from None


def _credited(request: HttpRequest, text: str) -> str:
    """Return what of a referral this buyer's sale may be credited to; the roof knows who judges."""
    judge: Callable[[HttpRequest, str], str] = import_string(settings.REFERRAL_JUDGE)
    return judge(request, text)


def _added(request: HttpRequest, line: CartLine) -> dict[str, Any]:
    units = line.cart.counted
    if units is None:
        units = queries.unit_count(owner=owner_of(request))
    return {
        "units": units,
        "version": line.cart.version,
        "line": {
            "sku": line.sku_id,
            "title": line.sku.product.title,
            "options": line.sku.options_text,
            "quantity": line.quantity,
            "price_minor": line.seen_price_minor,
            "currency": line.sku.currency,
        },
    }


def _whole(text: str) -> int:
    if not re.fullmatch(r"\s*-?[0-9]{1,18}\s*", text):
        raise BadQuantity
    return int(text)


def _next(request: HttpRequest) -> str:
    target = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return target if is_ours else ""


def cart_page(
    request: HttpRequest,
    *,
    template: str = "checkout/cart.html",
    refused: Refused | None = None,
    status: int = 200,
) -> HttpResponse:
    shown = queries.shown_cart(
        owner=owner_of(request), country=chosen_country(request), now=datetime.now(UTC)
    )
    undo = request.session.pop(_UNDO, None)
    return render(
        request,
        template,
        {"cart": shown, "undo": undo, "refused": refused, "countries": COUNTRIES.items()},
        status=status,
    )
