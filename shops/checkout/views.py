"""The cart and the checkout page."""

import re
import secrets
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from shops.accounts.models import User
from shops.checkout import queries, services
from shops.checkout.forms import PlaceForm
from shops.checkout.models import CartLine, Quote
from shops.checkout.owner import owner_of, owner_to_write
from shops.facts.idempotency import HEADER, Answer, InFlight, with_key
from shops.facts.refused import Invalid, NotFound, Refused
from shops.orders.queries import first_number
from shops.payments import services as payments
from shops.stock.services import BadQuantity

_UNDO: Final = "cart_undo"
# How long a form's second click waits for the first one's answer.
_PATIENCE: Final = timedelta(seconds=5)


def user_of(request: HttpRequest) -> User:
    """Give the signed-in user of a view that asks for one."""
    return cast(User, request.user)


def for_program(request: HttpRequest) -> bool:
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


@require_GET
def cart(request: HttpRequest) -> HttpResponse:
    return _cart_page(request)


@require_GET
def panel(request: HttpRequest) -> HttpResponse:
    return _cart_page(request, template="checkout/parts/cart.html")


@require_POST
def add(request: HttpRequest) -> HttpResponse:
    line = _add(request)
    if for_program(request):
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
            return _cart_page(request, template="checkout/parts/cart.html", refused=refused)
        if isinstance(refused, services.CartMoved):
            return _cart_page(request, refused=refused, status=refused.status)
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
        return _cart_page(request, template="checkout/parts/cart.html")
    return redirect("checkout:cart")


@login_required
@require_GET
def checkout(request: HttpRequest) -> HttpResponse:
    try:
        quote = services.start_quote(owner=owner_of(request), now=datetime.now(UTC))
    except services.EmptyCart as refused:
        messages.info(request, str(refused))
        return redirect("checkout:cart")
    except Refused as refused:
        return _cart_page(request, refused=refused, status=refused.status)
    form = PlaceForm(
        addresses=_addresses(request), initial={"idempotency_key": secrets.token_urlsafe(24)}
    )
    return _checkout_page(request, quote, form)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def place(request: HttpRequest, quote_id: uuid.UUID) -> HttpResponse:
    if request.method != "POST":  # the address that a form with mistakes is shown at
        return redirect("checkout:checkout")
    user = user_of(request)
    quote = queries.quote_of(quote_id=quote_id, buyer_id=user.pk)
    form = PlaceForm(request.POST, addresses=_addresses(request))
    if not form.is_valid():
        if for_program(request):
            raise Invalid(errors=form.all_errors())
        return _checkout_page(request, quote, form, status=422)
    address, card_token = form.address(), form.cleaned_data["card_token"]

    def effect() -> Answer:
        purchase = services.place_order(
            quote_id=quote_id,
            buyer=user,
            address=address,
            card_token=card_token,
            save_address=form.is_new,
            now=datetime.now(UTC),
        )
        payment_id = purchase.payments.values_list("pk", flat=True).get()
        return Answer(201, {"number": first_number(purchase=purchase), "payment": str(payment_id)})

    def once() -> Answer:
        return with_key(
            scope=f"place-order:{user.pk}",
            key=request.headers.get(HEADER) or form.cleaned_data["idempotency_key"],
            body={"quote": str(quote_id), "address": address, "card": card_token},
            effect=effect,
        )

    try:
        answer = once() if for_program(request) else _patiently(once)
    except services.AlreadyOrdered as refused:
        if for_program(request):
            raise
        return redirect("checkout:order", number=refused.extra["number"])
    except services.QuoteOver as refused:
        if for_program(request):
            raise
        messages.error(request, str(refused))
        messages.info(request, _("Here is a new offer at today's prices, if there is still stock."))
        return redirect("checkout:checkout")
    if not answer.is_replay:
        payments.start(payment_id=uuid.UUID(answer.body["payment"]), now=datetime.now(UTC))
    number = answer.body["number"]
    if for_program(request):
        return JsonResponse({"number": number, "url": f"/orders/{number}/"}, status=answer.status)
    return redirect("checkout:order", number=number)


@login_required
@require_POST
def cancel(request: HttpRequest, quote_id: uuid.UUID) -> HttpResponse:
    services.cancel_quote(quote_id=quote_id, buyer_id=user_of(request).pk, now=datetime.now(UTC))
    messages.info(request, _("Nothing is kept for you any more. Your cart is as it was."))
    return redirect("checkout:cart")


def _add(request: HttpRequest, *, is_top_up: bool = False) -> CartLine:
    sku_id = request.POST.get("sku", "")
    if not re.fullmatch(r"[0-9]{1,18}", sku_id):
        raise NotFound
    return services.add_to_cart(
        owner=owner_to_write(request),
        sku_id=int(sku_id),
        quantity=_whole(request.POST.get("quantity", "1")),
        referral=_credited(request, request.POST.get("referral", "")),
        is_top_up=is_top_up,
        now=datetime.now(UTC),
    )


def _credited(request: HttpRequest, text: str) -> str:
    """Return what of a referral this buyer's sale may be credited to; the roof knows who judges."""
    judge: Callable[[HttpRequest, str], str] = import_string(settings.REFERRAL_JUDGE)
    return judge(request, text)


def _added(request: HttpRequest, line: CartLine) -> dict[str, Any]:
    units = queries.unit_count(owner=owner_of(request))
    return {
        "units": units,
        "version": line.cart.version,
        "line": {
            "sku": line.sku_id,
            "title": line.sku.product.title,
            "options": line.sku.options_text,
            "quantity": line.quantity,
            "price_minor": line.sku.price_minor,
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


def _addresses(request: HttpRequest) -> list[Any]:
    return list(user_of(request).addresses.order_by("-is_default", "-pk"))


def _patiently(once: Callable[[], Answer]) -> Answer:
    """Let the second click of a form wait for the first one's answer, so that both show it."""
    until = time.monotonic() + _PATIENCE.total_seconds()
    while True:
        try:
            return once()
        except InFlight:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def _cart_page(
    request: HttpRequest,
    *,
    template: str = "checkout/cart.html",
    refused: Refused | None = None,
    status: int = 200,
) -> HttpResponse:
    shown = queries.shown_cart(owner=owner_of(request))
    undo = request.session.pop(_UNDO, None)
    return render(
        request, template, {"cart": shown, "undo": undo, "refused": refused}, status=status
    )


def _checkout_page(
    request: HttpRequest, quote: Quote, form: PlaceForm, status: int = 200
) -> HttpResponse:
    context = {"quote": quote, "lines": queries.quote_lines(quote=quote), "form": form}
    return render(request, "checkout/checkout.html", context, status=status)
