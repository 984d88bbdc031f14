"""From unpaid to paid, and, once the remorse hold is over, to the shop."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from shops.orders.events import OrderPaid, OrderReleased
from shops.orders.models import Order, OrderLine, OrderState
from shops.orders.services.moves import PurchaseClosed, lock_with_lines, move, tell
from shops.stock import services as stock

# A hold that is committed in the same breath.
_BRIEFLY: Final = timedelta(minutes=1)


class SoldOut(PurchaseClosed):
    code = "sold_out_before_payment"
    message = _("Somebody else paid first: this is sold out. Your payment is given back.")


@transaction.atomic
def mark_paid(*, purchase_id: uuid.UUID, now: datetime) -> bool:
    """Move all orders of a purchase to "paid"; False when they were paid before.

    Units that nobody kept so far (first paid, first served) are taken now.

    :raises PurchaseClosed: they were cancelled or had expired: the money has to go back
    :raises SoldOut: too few units are left for it: likewise; `close_unpaid` ends the orders
    """
    orders, lines = lock_with_lines(purchase_id)
    if all(order.is_paid for order in orders):
        return False
    if any(not order.is_unpaid for order in orders):
        raise PurchaseClosed
    _take(lines, buyer_id=orders[0].buyer_id, now=now)
    for order in orders:
        mine = [line.referral for line in lines if line.order_id == order.pk]
        if settings.REMORSE_SECONDS > 0:
            until = now + timedelta(seconds=settings.REMORSE_SECONDS)
            move(order, OrderState.ON_HOLD, now=now, paid_at=now, hold_until=until)
            tell(OrderPaid, order, referrals=mine)
        else:
            ship_by = _ship_by(now)
            move(
                order,
                OrderState.AWAITING_SHIPMENT,
                now=now,
                paid_at=now,
                released_at=now,
                ship_by=ship_by,
            )
            tell(OrderPaid, order, referrals=mine)
            tell(OrderReleased, order, referrals=mine, ship_by=ship_by)
    return True


@transaction.atomic
def release_due(*, now: datetime, limit: int = 100) -> int:
    """Hand orders whose remorse hold is over to their shops; returns how many.

    Several sweepers may run at once: each takes other orders. One that its buyer is cancelling
    just now is left alone.
    """
    due = Order.objects.select_for_update(skip_locked=True).filter(
        state=OrderState.ON_HOLD, hold_until__lte=now
    )
    found = list(due.order_by("hold_until", "pk")[:limit])
    for order in found:
        ship_by = _ship_by(now)
        move(order, OrderState.AWAITING_SHIPMENT, now=now, released_at=now, ship_by=ship_by)
        tell(OrderReleased, order, ship_by=ship_by)
    return len(found)


def _ship_by(now: datetime) -> datetime:
    return now + timedelta(days=settings.SHIP_WITHIN_DAYS)


def _take(lines: Sequence[OrderLine], *, buyer_id: int, now: datetime) -> None:
    """Reserve the units of lines that nothing was kept for."""
    late = [line for line in lines if line.is_first_paid]
    if not late:
        return
    wanted = [
        stock.Wanted(hold_id=line.hold_id, sku_id=line.sku_id, quantity=line.quantity)
        for line in late
    ]
    try:
        stock.hold(wanted=wanted, now=now, ttl=_BRIEFLY, buyer_id=buyer_id)
        stock.commit(hold_ids=[one.hold_id for one in wanted], now=now)
    except (stock.OutOfStock, stock.HoldExpired):
        raise SoldOut from None
