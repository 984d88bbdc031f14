"""One order's pages, for its buyer and its shop.

They stand above the orders room because they show, start and give back payments.
"""

import secrets
import uuid
from datetime import UTC, datetime

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from shops.catalog.queries import managed_shop
from shops.checkout import services
from shops.checkout.forms import CardForm
from shops.checkout.payment_status import payment_status
from shops.checkout.timeline import timeline
from shops.checkout.views import for_program, user_of
from shops.facts.idempotency import HEADER, Answer, with_key
from shops.facts.refused import Invalid
from shops.ledger.money import parse_minor
from shops.orders import carriers, next_steps, queries
from shops.orders import services as orders
from shops.orders.models import Order, Parcel
from shops.payments import refunds
from shops.payments import services as payments
from shops.payments.models import RefundState
from shops.payments.queries import refundable_minor
from shops.returns.queries import returns_of_order
from shops.returns.requesting import returnable


@login_required
@require_GET
def order(request: HttpRequest, number: str) -> HttpResponse:
    found = _mine(request, number)
    now = datetime.now(UTC)
    parcels = queries.parcels_of_order(order=found)
    context = {
        "order": found,
        "address": found.address,
        "siblings": queries.siblings(order=found),
        "payment": payment_status(order=found, now=now),
        "card_form": CardForm(initial={"idempotency_key": secrets.token_urlsafe(24)}),
        "next": next_steps.for_buyer(found),
        "parcels": _shown(parcels),
        "cases": returns_of_order(order_id=found.pk),
        "is_returnable": any(line.left for line in returnable(order=found, now=now)),
        "timeline": timeline(order=found, parcels=parcels, is_shop=False),
    }
    return render(request, "orders/order.html", context)


@login_required
@require_GET
def payment(request: HttpRequest, number: str) -> HttpResponse:
    found = _mine(request, number)
    status = payment_status(order=found, now=datetime.now(UTC))
    answer = render(request, "orders/parts/payment.html", {"order": found, "payment": status})
    if not status.is_waiting:
        # The whole page has news then: its history, what can be done.
        answer.headers["HX-Refresh"] = "true"
    return answer


@login_required
@require_POST
def pay(request: HttpRequest, number: str) -> HttpResponse:
    form = CardForm(request.POST)
    if not form.is_valid():
        raise Invalid(_("Choose a card."))
    user, card_token = user_of(request), form.cleaned_data["card_token"]
    _mine(request, number)

    def effect() -> Answer:
        made = services.retry_payment(
            number=number, buyer_id=user.pk, card_token=card_token, now=datetime.now(UTC)
        )
        return Answer(202, {"payment": str(made.pk)})

    answer = with_key(
        scope=f"pay-order:{user.pk}",
        key=request.headers.get(HEADER, "") or form.cleaned_data["idempotency_key"],
        body={"order": number, "card": card_token},
        effect=effect,
    )
    if not answer.is_replay:
        payments.start(payment_id=uuid.UUID(answer.body["payment"]), now=datetime.now(UTC))
    if for_program(request):
        return JsonResponse(dict(answer.body), status=answer.status)
    return redirect("checkout:order", number=number)


@login_required
@require_POST
def cancel(request: HttpRequest, number: str) -> HttpResponse:
    """Cancel an unpaid order, or a paid one that the shop does not have yet."""
    user = user_of(request)
    was_paid = _mine(request, number).is_paid

    def effect() -> Answer:
        now = datetime.now(UTC)
        if was_paid:
            orders.cancel_in_remorse(number=number, buyer=user, now=now)
        else:
            services.cancel_order(number=number, buyer_id=user.pk, now=now)
        return Answer(200, {"number": number, "was_paid": was_paid})

    key = request.headers.get(HEADER, "") or request.POST.get("idempotency_key", "")
    if key or for_program(request):
        body = {"order": number}
        answer = with_key(scope=f"cancel-order:{user.pk}", key=key, body=body, effect=effect)
    else:
        answer = effect()
    if for_program(request):
        return JsonResponse(dict(answer.body), status=answer.status)
    if answer.body["was_paid"]:
        messages.success(request, _("The order is cancelled. All the money goes back."))
    else:
        messages.success(request, _("The order is cancelled. Nothing was charged."))
    return redirect("checkout:order", number=number)


@login_required
@require_GET
def shop_order(request: HttpRequest, slug: str, number: str) -> HttpResponse:
    shop = managed_shop(slug=slug, user=request.user)
    found = queries.order_of_shop(number=number, shop_id=shop.pk)
    parcels = queries.parcels_of_order(order=found)
    context = {
        "shop": shop,
        "order": found,
        "key": secrets.token_urlsafe(24),
        "address": found.seller_address,
        "payment": payment_status(order=found, now=datetime.now(UTC)),
        "refundable_minor": refundable_minor(found),
        "next": next_steps.for_shop(found),
        "parcels": _shown(parcels),
        "cases": returns_of_order(order_id=found.pk),
        "is_shop": True,
        "timeline": timeline(order=found, parcels=parcels, is_shop=True),
    }
    return render(request, "orders/shop_order.html", context)


@login_required
@require_POST
def refund(request: HttpRequest, slug: str, number: str) -> HttpResponse:
    """Give all that is left of an order back, or an amount; what was not sent is cancelled first.

    Cancelled first, so that nobody of the shop can ship what is being given back.
    """
    shop = managed_shop(slug=slug, user=request.user)
    found = queries.order_of_shop(number=number, shop_id=shop.pk)
    user, now = user_of(request), datetime.now(UTC)
    reason = request.POST.get("reason", "").replace("\x00", "").strip()[:200]
    if not reason:
        raise Invalid(_("Tell the buyer why."))
    amount = _amount(request.POST.get("amount", ""), found)

    def effect() -> Answer:
        # First what takes the payment's row, as a capture does. In one transaction, so that the
        # cancellation's own job finds nothing left to give back.
        made = refunds.create_refund(
            order_id=found.pk, amount_minor=amount, reason=reason, by=user, now=now
        )
        if amount is None and found.is_unsent:
            orders.call_off(order_id=found.pk, reason=reason, by=user, now=now)
        return Answer(202, {"refund": str(made.pk)})

    answer = with_key(
        scope=f"refund-order:{user.pk}",
        key=request.headers.get(HEADER, "") or request.POST.get("idempotency_key", ""),
        body={"order": number, "amount": amount, "reason": reason},
        effect=effect,
    )
    made = refunds.send_refund(refund_id=uuid.UUID(answer.body["refund"]), now=now)
    if for_program(request):
        return JsonResponse(dict(answer.body), status=answer.status)
    if made.state == RefundState.FAILED:
        messages.error(request, _("The provider refused. No money went back to the buyer."))
    else:
        messages.success(request, _("The money is on its way back to the buyer."))
    return redirect("checkout:shop_order", slug=slug, number=number)


def _amount(text: str, order: Order) -> int | None:
    """Read how much is to go back; None for all that is left."""
    if not text.strip():
        return None
    try:
        minor = parse_minor(text.replace(",", "."), order.currency)
    except ValueError:
        raise Invalid(_("Write an amount like 12.50.")) from None
    if not minor:
        raise Invalid(_("Write an amount like 12.50."))
    return minor


def _shown(parcels: list[Parcel]) -> list[dict[str, object]]:
    return [
        {
            "parcel": parcel,
            "carrier": carriers.name_of(parcel.carrier),
            "follow": carriers.follow_url(parcel.carrier, parcel.tracking_number),
        }
        for parcel in parcels
    ]


def _mine(request: HttpRequest, number: str) -> Order:
    return queries.order_of_buyer(number=number, buyer_id=user_of(request).pk)
