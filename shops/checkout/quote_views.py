"""The checkout page: what a quote promises, choosing within it, and ordering it."""

import re
import secrets
import uuid
from datetime import UTC, datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from shops.accounts.countries import COUNTRIES
from shops.accounts.models import Address
from shops.accounts.queries import addresses_to_choose
from shops.checkout import queries, services
from shops.checkout.forms import PlaceForm
from shops.checkout.models import Quote
from shops.checkout.owner import owner_of
from shops.checkout.quote_queries import ShownQuote, shown_quote
from shops.checkout.views import cart_page, chosen_country, for_program, user_of
from shops.facts.batching import Busy, Unavailable
from shops.facts.frames import frame_of
from shops.facts.idempotency import HEADER, Answer
from shops.facts.refused import Invalid, Refused
from shops.facts.throttle import TooMany
from shops.pricing.services import VoucherRefused, VoucherUsedUp
from shops.stock import services as stock


@login_required
@require_GET
def checkout(request: HttpRequest) -> HttpResponse:
    try:
        quote = services.start_quote(
            owner=owner_of(request),
            country=chosen_country(request),
            is_shown=True,
            now=datetime.now(UTC),
        )
    except services.EmptyCart as refused:
        messages.info(request, str(refused))
        return redirect("checkout:cart")
    except Refused as refused:
        return cart_page(request, refused=refused, status=refused.status)
    shown = shown_quote(quote=quote, frame=frame_of(request))
    return _page(request, quote, _fresh_form(shown), shown=shown)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def price(request: HttpRequest, quote_id: uuid.UUID) -> HttpResponse:
    """Work the price out anew for another address, way to send or voucher.

    What was chosen is set, not added to: the same request twice is the same as once.
    """
    if request.method != "POST":
        return redirect("checkout:checkout")
    user = user_of(request)
    quote = queries.quote_of(quote_id=quote_id, buyer_id=user.pk)
    form = _form_as_typed(request, quote)
    code = request.POST.get("voucher", "").strip()
    try:
        if code:
            services.count_code(buyer_id=user.pk)
        quote = services.reprice_quote(
            quote_id=quote_id,
            buyer_id=user.pk,
            country=form.country if form.country in COUNTRIES else None,
            choices=_choices(request),
            add_code=code[:40],
            drop_code=request.POST.get("drop", "")[:40],
            now=datetime.now(UTC),
        )
    except (VoucherRefused, TooMany) as refused:
        if for_program(request):
            raise
        return _page(request, quote, form, voucher_error=refused, code=code, status=refused.status)
    except services.QuoteOver as refused:
        return _start_over(request, refused)
    except services.QuoteTampered as refused:
        services.cancel_quote(quote_id=quote_id, buyer_id=user.pk, now=datetime.now(UTC))
        return _start_over(request, refused)
    if for_program(request):
        return JsonResponse(_amounts(quote))
    form.initial["signature"] = quote.signature
    return _page(request, quote, form)


@login_required
@require_POST
def keep(request: HttpRequest, quote_id: uuid.UUID) -> HttpResponse:
    """Keep the goods for longer; asking twice gives no more time than asking once."""
    try:
        services.extend_quote(
            quote_id=quote_id, buyer_id=user_of(request).pk, now=datetime.now(UTC)
        )
    except (stock.NoMoreTime, stock.OfferFixed, stock.HoldExpired) as refused:
        if for_program(request):
            raise
        messages.info(request, str(refused))
    return redirect("checkout:checkout")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def place(request: HttpRequest, quote_id: uuid.UUID) -> HttpResponse:
    if request.method != "POST":  # the address that a form with mistakes is shown at
        return redirect("checkout:checkout")
    user = user_of(request)
    quote, addresses = queries.quote_to_place(quote_id=quote_id, buyer_id=user.pk)
    form = PlaceForm(request.POST, addresses=addresses)
    if not form.is_valid():
        if for_program(request):
            raise Invalid(errors=form.all_errors())
        return _page(request, quote, form, status=422)
    signature = form.cleaned_data["signature"]
    try:
        answer, placed = _once(request, quote, form, signature)
    except services.OtherCountry:
        if for_program(request):
            raise
        # Nobody is asked again where nothing changes for them.
        before, country = quote, form.address()["country"]
        try:
            quote = services.reprice_quote(
                quote_id=quote_id, buyer_id=user.pk, country=country, now=datetime.now(UTC)
            )
            is_same = quote.total_minor == before.total_minor and signature == before.signature
            if not is_same:
                return _ask_again(request, quote, form, services.OtherCountry())
            answer, placed = _once(request, quote, form, quote.signature)
        except Refused as refused:
            return _refused(request, quote, form, refused)
    except Refused as refused:
        return _refused(request, quote, form, refused)
    if placed is not None:
        services.start_payment(placed, now=datetime.now(UTC))
    number = answer.body["number"]
    if for_program(request):
        return JsonResponse({"number": number, "url": f"/orders/{number}/"}, status=answer.status)
    return redirect("checkout:order", number=number)


@login_required
@require_POST
def cancel(request: HttpRequest, quote_id: uuid.UUID) -> HttpResponse:
    services.cancel_quote(quote_id=quote_id, buyer_id=user_of(request).pk, now=datetime.now(UTC))
    messages.info(request, _("Your cart is as it was. Nothing was ordered."))
    return redirect("checkout:cart")


def _once(
    request: HttpRequest, quote: Quote, form: PlaceForm, signature: str
) -> tuple[Answer, services.Placed | None]:
    user = user_of(request)
    address, card_token = form.address(), form.cleaned_data["card_token"]

    def describe(placed: services.Placed) -> Answer:
        return Answer(201, {"number": placed.orders[0].number, "payment": str(placed.payment.pk)})

    return services.place_order_once(
        scope=f"place-order:{user.pk}",
        key=request.headers.get(HEADER) or form.cleaned_data["idempotency_key"],
        body={"quote": str(quote.pk), "address": address, "card": card_token},
        describe=describe,
        quote_id=quote.pk,
        buyer=user,
        address=address,
        card_token=card_token,
        save_address=form.is_new,
        signature=signature,
        now=datetime.now(UTC),
    )


def _refused(request: HttpRequest, quote: Quote, form: PlaceForm, refused: Refused) -> HttpResponse:
    """Tell a buyer why nothing was ordered, where they can do something about it."""
    if for_program(request):
        raise refused
    buyer_id, now = user_of(request).pk, datetime.now(UTC)
    if isinstance(refused, services.AlreadyOrdered):
        return redirect("checkout:order", number=refused.extra["number"])
    if isinstance(refused, services.QuoteOver):
        return _start_over(request, refused)
    if isinstance(refused, services.QuoteTampered):
        services.cancel_quote(quote_id=quote.pk, buyer_id=buyer_id, now=now)
        return _start_over(request, refused)
    if isinstance(refused, VoucherUsedUp):
        quote = services.reprice_quote(quote_id=quote.pk, buyer_id=buyer_id, now=now)
        return _ask_again(request, quote, form, refused)
    if isinstance(refused, services.QuoteMoved | services.NotShipped | services.LimitReached):
        return _ask_again(request, quote, form, refused)
    if isinstance(refused, Busy | Unavailable):
        # It may be done all the same: pressed once more with the same key, it is done once.
        return _ask_again(request, quote, form, refused)
    raise refused


def _ask_again(
    request: HttpRequest, quote: Quote, form: PlaceForm, refused: Refused
) -> HttpResponse:
    quote.refresh_from_db()
    again = _form_as_typed(request, quote)
    return _page(request, quote, again, refused=refused, status=refused.status)


def _start_over(request: HttpRequest, refused: Refused) -> HttpResponse:
    if for_program(request):
        raise refused
    messages.error(request, str(refused))
    messages.info(request, _("Here is a new offer at today's prices, if there is still stock."))
    return redirect("checkout:checkout")


def _fresh_form(shown: ShownQuote) -> PlaceForm:
    quote = shown.quote
    there = [one for one in shown.addresses if one.country == quote.country]
    return PlaceForm(
        addresses=shown.addresses,
        initial={
            "idempotency_key": secrets.token_urlsafe(24),
            "signature": quote.signature,
            "country": quote.country,
            # The price on the page is that of the address that is chosen on it.
            "address_choice": str(there[0].pk) if there else "new",
        },
    )


def _form_as_typed(request: HttpRequest, quote: Quote) -> PlaceForm:
    """Show again what was typed in so far, without finding mistakes in it yet."""
    typed = {name: value for name, value in request.POST.items() if len(value) < 1000}
    typed |= {"signature": quote.signature}
    if not typed.get("idempotency_key"):
        typed["idempotency_key"] = secrets.token_urlsafe(24)
    return PlaceForm(addresses=_addresses(request), initial=typed)


def _choices(request: HttpRequest) -> dict[int, int | None]:
    """Read which way to send was chosen, by shop."""
    chosen: dict[int, int | None] = {}
    for name in request.POST:
        found = re.fullmatch(r"ship-([0-9]{1,18})", name)
        value = request.POST.get(name, "")
        if found and re.fullmatch(r"[0-9]{1,18}", value):
            chosen[int(found[1])] = int(value)
    return chosen


def _amounts(quote: Quote) -> dict[str, Any]:
    return {
        "country": quote.country,
        "currency": quote.currency,
        "goods_minor": quote.goods_minor,
        "discount_minor": quote.discount_minor,
        "shipping_minor": quote.shipping_minor,
        "tax_minor": quote.tax_minor,
        "total_minor": quote.total_minor,
        "signature": quote.signature,
        "is_available": all(one.is_available for one in quote.shipments.all()),
    }


def _addresses(request: HttpRequest) -> list[Address]:
    return addresses_to_choose(user_of(request))


def _page(
    request: HttpRequest,
    quote: Quote,
    form: PlaceForm,
    *,
    shown: ShownQuote | None = None,
    refused: Refused | None = None,
    voucher_error: Refused | None = None,
    code: str = "",
    status: int = 200,
) -> HttpResponse:
    context = {
        "quote": quote,
        "shown": shown or shown_quote(quote=quote, frame=frame_of(request)),
        "form": form,
        "wrong": form.wrong_fields() if form.is_bound else [],
        "refused": refused,
        "voucher_error": voucher_error,
        "code": code[:40],
    }
    return render(request, "checkout/checkout.html", context, status=status)
