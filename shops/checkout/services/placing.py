"""From a quote to an order that is paid, cancelled or expired."""

import uuid
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from shops.accounts.models import User
from shops.accounts.services import AddressFields, TooManyAddresses, add_address
from shops.catalog.models import Sku
from shops.checkout import statements
from shops.checkout.models import Quote, QuoteLine
from shops.checkout.services.carts import take_out
from shops.checkout.services.limits import check_limits
from shops.checkout.services.repricing import QuoteOver
from shops.checkout.services.signing import check_signature
from shops.facts.refused import NotFound, Refused
from shops.facts.transactions import whole
from shops.orders import services as orders
from shops.orders.models import Order, OrderState, Purchase
from shops.payments import services as payments
from shops.payments.models import Payment, PaymentState
from shops.pricing.services import use_vouchers
from shops.stock import services as stock
from shops.stock.models import Hold

# How long an order waits for its payment; its stock is kept meanwhile.
PAY_WITHIN: Final = timedelta(minutes=30)
# A payment in any other state has been, or may yet be, paid.
_NEVER_PAID: Final = (PaymentState.FAILED, PaymentState.CANCELLED)


class AlreadyOrdered(Refused):
    """`extra`: the `number` of the order that came out of this quote."""

    code = "already_ordered"
    message = _("This is ordered already.")


class QuoteMoved(Refused):
    code = "quote_changed"
    message = _("The price was worked out anew in another tab. This is how it is now.")


class OtherCountry(Refused):
    """`extra`: the `country` that the quote is for."""

    code = "other_country"
    message = _("The price was worked out for another country. Look at it once more.")


class NotShipped(Refused):
    """`extra`: the `shops` that don't send there."""

    code = "not_shipped"
    message = _("Not every shop sends to this country.")


class PayTimeOver(Refused):
    code = "pay_time_over"
    message = _("The time to pay for this order is over.")


@whole
def place_order(
    *,
    quote_id: uuid.UUID,
    buyer: User,
    address: AddressFields,
    card_token: str,
    save_address: bool = False,
    signature: str = "",
    now: datetime,
) -> Purchase:
    """Turn a quote into unpaid orders with a payment that is ready to start: all of it or nothing.

    This is the one way to an order: the page's button and the API's clients come here, and from
    here on the provider's answer, its webhook and the reconciler all end in `payments.apply`,
    which marks the purchase paid. The caller starts the payment after commit.

    The quote's prices and products are honoured, whatever became of them since. The stock's row is
    not touched: its holds are moved to "committed".

    :param signature: of the quote as the buyer saw it, where that is known
    :raises BadCard: no token, or none that a provider would make
    :raises NotFound: there is no such quote, or it is somebody else's
    :raises AlreadyOrdered: an order came out of this quote before
    :raises QuoteOver: its time ran out, or it was given up
    :raises QuoteTampered: it is not as it was signed
    :raises QuoteMoved: its price is not the one that the buyer saw
    :raises OtherCountry: it was priced for another country than the address's
    :raises NotShipped: a shop does not send there
    :raises LimitReached: it is more of a product than one buyer may have
    :raises VoucherUsedUp: others have used one of its vouchers up
    """
    payments.check_card(card_token)
    promise = statements.take_quote(quote_id=quote_id, buyer_id=buyer.pk)
    if promise is None:
        raise _no_open_quote(Quote.objects.filter(pk=quote_id, buyer=buyer).first())
    quote, lines = promise.quote, promise.lines
    shipments, vouchers = promise.shipments, promise.vouchers
    check_signature(quote, lines, shipments, vouchers)
    if signature and signature != quote.signature:
        raise QuoteMoved
    if address["country"] != quote.country:
        raise OtherCountry(country=quote.country)
    if unsent := [one.shop_id for one in shipments if not one.is_available]:
        raise NotShipped(shops=unsent)
    _check_limits(lines, buyer_id=buyer.pk)
    holds = [line.hold_id for line in lines if line.is_held]
    try:
        stock.commit(hold_ids=holds, is_renewed=True, now=now)
    except stock.HoldExpired:
        raise QuoteOver from None
    _check_shared(lines)
    purchase = orders.place(
        buyer_id=buyer.pk,
        quote_id=quote.pk,
        lines=[
            orders.LineToPlace(
                sku_id=line.sku_id,
                hold_id=line.hold_id,
                quantity=line.quantity,
                unit_price_minor=line.unit_price_minor,
                referral=line.referral,
                discount_minor=line.discount_minor,
                tax_minor=line.tax_minor,
                tax_bps=line.tax_bps,
                is_tax_inclusive=line.is_tax_inclusive,
                is_first_paid=not line.is_held,
            )
            for line in lines
        ],
        shipping=[
            orders.ShippingToPlace(
                shop_id=one.shop_id,
                method=one.name,
                amount_minor=one.amount_minor,
                tax_minor=one.tax_minor,
                is_tax_inclusive=one.is_tax_inclusive,
            )
            for one in shipments
        ],
        address=address,
        currency=quote.currency,
        now=now,
        pay_by=now + PAY_WITHIN,
    )
    payments.create_first([(purchase, card_token)], now=now)
    take_out(user_id=buyer.pk, ordered={line.sku_id: line.quantity for line in lines}, now=now)
    if save_address:
        # A full address book is no reason to refuse an order.
        with suppress(TooManyAddresses):
            add_address(user=buyer, fields=address, as_default=False, now=now)
    # Last: whoever orders with the same voucher waits for this row until we are done.
    use_vouchers(
        discounts={one.voucher_id: one.discount_minor for one in vouchers},
        buyer_id=buyer.pk,
        purchase_id=purchase.pk,
        now=now,
    )
    return purchase


def _check_shared(lines: Sequence[QuoteLine]) -> None:
    """Make sure that what a cart keeps, too, is as much as was promised; it is committed by now.

    Another tab may have changed the cart while the quote was being written.
    """
    shared = {line.hold_id: line.quantity for line in lines if line.is_shared}
    if not shared:
        return
    kept = dict(Hold.objects.filter(pk__in=shared).values_list("pk", "quantity"))
    if kept != shared:
        raise QuoteOver


def _check_limits(lines: Sequence[QuoteLine], *, buyer_id: int) -> None:
    """Count again what one buyer may have: they may have ordered since the quote was made."""
    limited = {
        line.sku_id: line.most_per_buyer for line in lines if line.most_per_buyer is not None
    }
    if not limited:
        return
    products = dict(Sku.objects.filter(pk__in=limited).values_list("pk", "product_id"))
    wanted: dict[int, int] = {}
    for line in lines:
        if line.sku_id in limited:
            product_id = products[line.sku_id]
            wanted[product_id] = wanted.get(product_id, 0) + line.quantity
    most = {products[sku_id]: units for sku_id, units in limited.items()}
    check_limits(wanted=wanted, most=most, buyer_id=buyer_id)


def _no_open_quote(quote: Quote | None) -> Refused:
    if quote is None:
        return NotFound()
    if quote.state == Quote.State.ORDERED:
        numbers = Order.objects.filter(purchase__quote_id=quote.pk).order_by("pk")
        return AlreadyOrdered(number=numbers.values_list("number", flat=True)[0])
    return QuoteOver()


@transaction.atomic
def retry_payment(*, number: str, buyer_id: int, card_token: str, now: datetime) -> Payment:
    """Make a new payment for an order whose last one failed; the caller starts it after commit.

    :raises NotFound: there is no such order, or it is somebody else's
    :raises NotUnpaid: it is paid, cancelled or expired
    :raises PaymentUnderWay: the last payment is not known to have failed
    :raises PayTimeOver: it should have been paid by now
    """
    purchase = _lock(number=number, buyer_id=buyer_id)
    if purchase.pay_by <= now:
        raise PayTimeOver
    return payments.create_payment(purchase=purchase, card_token=card_token, now=now)


@transaction.atomic
def cancel_order(*, number: str, buyer_id: int, now: datetime, reason: str = "") -> None:
    """Cancel an unpaid order for its buyer, with what is paid together with it.

    The buyer's own wish needs no `reason`.

    :raises NotFound: there is no such order, or it is somebody else's
    :raises NotUnpaid: it is paid, cancelled or expired
    :raises PaymentUnderWay: money may be on its way
    """
    purchase = _lock(number=number, buyer_id=buyer_id)
    order_id = purchase.orders.values_list("pk", flat=True).get(number=number)
    orders.cancel(order_id=order_id, reason=reason or gettext("Cancelled by the buyer"), now=now)


def _lock(*, number: str, buyer_id: int) -> Purchase:
    """Take an unpaid purchase that no payment is under way for."""
    found = Order.objects.filter(number=number, buyer_id=buyer_id)
    purchase = (
        Purchase.objects.select_for_update().filter(pk__in=found.values("purchase_id")).first()
    )
    if purchase is None:
        raise NotFound
    if purchase.orders.exclude(state=OrderState.UNPAID).exists():
        raise orders.NotUnpaid
    if _may_be_paid(purchase.pk).exists():
        raise payments.PaymentUnderWay
    return purchase


def expire_due_purchases(*, now: datetime, limit: int = 200) -> int:
    """Expire purchases that were not paid in time and give their stock back; returns how many.

    One whose payment may still arrive is left alone. Several sweepers may run at once. Each
    purchase is a transaction of its own: together they would take SKUs in any order.
    """
    due = Purchase.objects.filter(
        Exists(Order.objects.filter(purchase=OuterRef("pk"), state=OrderState.UNPAID)),
        ~Exists(_may_be_paid(OuterRef("pk"))),
        pay_by__lte=now,
    )
    found = list(due.order_by("pay_by").values_list("pk", flat=True)[:limit])
    return sum(_expire(purchase_id, now=now) for purchase_id in found)


@transaction.atomic
def _expire(purchase_id: uuid.UUID, *, now: datetime) -> bool:
    if not Purchase.objects.select_for_update(skip_locked=True).filter(pk=purchase_id):
        return False
    # Looked at under the lock that a new payment takes, too.
    if _may_be_paid(purchase_id).exists():
        return False
    return orders.expire(purchase_id=purchase_id, now=now)


def _may_be_paid(purchase_id: uuid.UUID | OuterRef) -> QuerySet[Payment]:
    return Payment.objects.filter(purchase=purchase_id).exclude(state__in=_NEVER_PAID)
