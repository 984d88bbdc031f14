"""Orders that end early: cancelled, expired, given back."""

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext, gettext_lazy

from shops.accounts.models import User
from shops.facts.refused import NotFound, Refused
from shops.ledger.money import Money
from shops.orders.events import OrderCancelled, OrderExpired, OrderRefunded, OrderRefundUndone
from shops.orders.models import BEFORE_SHIPPING, Order, OrderState, ParcelState
from shops.orders.services.moves import (
    add_note,
    give_back,
    lock_order,
    lock_purchase,
    move,
    tell,
)


class NotUnpaid(Refused):
    code = "order_not_unpaid"
    message = gettext_lazy("This order is no longer waiting for payment.")


class NotCancellable(Refused):
    code = "order_not_cancellable"
    message = gettext_lazy("This order can no longer be cancelled: the shop has it.")


class RefundTooLarge(Refused):
    code = "refund_too_large"
    message = gettext_lazy("More than what was paid cannot be given back.")


@transaction.atomic
def cancel(*, order_id: int, reason: str, by: User | None = None, now: datetime) -> None:
    """Cancel an unpaid purchase, with all its orders, and give its stock back.

    :raises NotUnpaid: it was paid, cancelled or expired before
    """
    try:
        purchase_id = Order.objects.values_list("purchase_id", flat=True).get(pk=order_id)
    except Order.DoesNotExist:
        raise NotFound from None
    if not close_unpaid(purchase_id=purchase_id, reason=reason, by=by, now=now):
        raise NotUnpaid


@transaction.atomic
def close_unpaid(
    *, purchase_id: uuid.UUID, reason: str, by: User | None = None, now: datetime
) -> bool:
    """Cancel a purchase, with all its orders, unless it was paid or closed before: then False."""
    orders = lock_purchase(purchase_id)
    if any(not order.is_unpaid for order in orders):
        return False
    for order in orders:
        move(order, OrderState.CANCELLED, reason=reason, by=by, now=now)
        tell(OrderCancelled, order, was_paid=False, reason=reason)
    give_back(orders, now=now)
    return True


@transaction.atomic
def expire(*, purchase_id: uuid.UUID, now: datetime) -> bool:
    """Expire a purchase that was not paid in time and give its stock back; False when not due.

    The caller makes sure that no payment of it is under way.
    """
    orders = lock_purchase(purchase_id)
    if any(not order.is_unpaid or order.purchase.pay_by > now for order in orders):
        return False
    for order in orders:
        move(order, OrderState.EXPIRED, now=now)
        tell(OrderExpired, order)
    give_back(orders, now=now)
    return True


@transaction.atomic
def cancel_in_remorse(*, number: str, buyer: User, now: datetime, reason: str = "") -> Order:
    """Cancel a paid order for its buyer, as long as the shop does not have it; money goes back.

    :raises NotFound: there is no such order, or it is somebody else's
    :raises NotCancellable: it was released to the shop, or is over
    """
    order = Order.objects.select_for_update().filter(number=number, buyer=buyer).first()
    if order is None:
        raise NotFound
    _call_off(
        order,
        allowed=[OrderState.ON_HOLD],
        reason=reason or gettext("Cancelled by the buyer"),
        by=buyer,
        now=now,
    )
    return order


@transaction.atomic
def call_off(*, order_id: int, reason: str, by: User | None = None, now: datetime) -> Order:
    """Cancel a paid order of which nothing was sent: its goods are free, its money goes back.

    :raises NotFound: no such order
    :raises NotCancellable: not paid, or something of it was sent, or it is over
    """
    order = lock_order(order_id)
    _call_off(order, allowed=BEFORE_SHIPPING, reason=reason, by=by, now=now)
    return order


def _call_off(
    order: Order, *, allowed: Collection[str], reason: str, by: User | None, now: datetime
) -> None:
    if order.state not in allowed:
        raise NotCancellable
    move(order, OrderState.CANCELLED, reason=reason, by=by, now=now)
    give_back([order], now=now)
    tell(OrderCancelled, order, was_paid=True, reason=reason)


@transaction.atomic
def record_refund(*, order_id: int, amount_minor: int, now: datetime) -> None:
    """Note money that went back to the buyer, in parts or whole.

    One that went back whole is cancelled, unless the buyer has the goods or may yet get them; its
    units that were not sent are free again.

    :raises RefundTooLarge: more than what was paid for the order would have gone back
    """
    if amount_minor <= 0:
        raise RefundTooLarge
    changed = Order.objects.filter(
        pk=order_id,
        paid_at__isnull=False,
        refunded_minor__lte=F("total_minor") - amount_minor,
    ).update(refunded_minor=F("refunded_minor") + amount_minor)
    if not changed:
        raise RefundTooLarge
    order = Order.objects.select_related("purchase").get(pk=order_id)
    if order.is_refunded and _ends_with_its_refund(order):
        move(order, OrderState.CANCELLED, reason=gettext("Refunded"), now=now)
        give_back([order], now=now)
    tell(OrderRefunded, order, refunded_minor=order.refunded_minor)


@transaction.atomic
def undo_refund(*, order_id: int, amount_minor: int, now: datetime) -> None:
    """Note that money which had gone back did not reach the buyer, who is owed it again.

    An order that ended with its refund stays cancelled: its goods are for sale.

    :raises NotFound: no such order
    """
    order = lock_order(order_id)
    if order.is_paid:
        order.refunded_minor -= amount_minor
        order.save(update_fields=["refunded_minor"])
    said = gettext("The buyer's bank sent %(amount)s back: it is owed to the buyer again.")
    add_note(order, said % {"amount": Money(amount_minor, order.currency)}, now=now)
    tell(OrderRefundUndone, order, amount_minor=amount_minor)


def _ends_with_its_refund(order: Order) -> bool:
    if order.state in (*BEFORE_SHIPPING, OrderState.PARTIALLY_SHIPPED):
        return True
    return order.is_on_its_way and not _parcel_states(order) - {ParcelState.LOST}


def _parcel_states(order: Order) -> set[str]:
    found: Sequence[str] = list(
        order.lines.filter(parcel_line__isnull=False).values_list(
            "parcel_line__parcel__state", flat=True
        )
    )
    return set(found)
