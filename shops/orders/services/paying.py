"""From unpaid to paid, and, once the remorse hold is over, to the shop."""

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from shops.facts.publishing import publish_all
from shops.facts.refused import NotFound
from shops.facts.transactions import whole
from shops.orders import paying_statements as statements
from shops.orders.events import OrderFact, OrderPaid, OrderReleased
from shops.orders.models import ORDER_TRANSITIONS, Order, OrderState
from shops.orders.paying_statements import Locked
from shops.orders.services.moves import PurchaseClosed, fact_of, move, tell
from shops.stock import services as stock

# A hold that is committed in the same breath.
_BRIEFLY: Final = timedelta(minutes=1)


class SoldOut(PurchaseClosed):
    code = "sold_out_before_payment"
    message = _("Somebody else paid first: this is sold out. Your payment is given back.")


class OnlyAlone(PurchaseClosed):
    """It takes units when it is paid: under their SKUs' locks, which only one may take at a time.

    Two batches that did so in the order of their purchases would wait for each other.
    """

    code = "purchase_only_alone"


def mark_paid(*, purchase_id: uuid.UUID, now: datetime) -> bool:
    """Move all orders of a purchase to "paid"; False when they were paid before.

    Units that nobody kept so far (first paid, first served) are taken now.

    :raises PurchaseClosed: they were cancelled or had expired: the money has to go back
    :raises SoldOut: too few units are left for it: likewise; `close_unpaid` ends the orders
    """
    paid, closed = _mark_paid_all([purchase_id], now=now)
    if closed:
        raise closed[purchase_id]
    return bool(paid)


def mark_paid_all(
    *, purchase_ids: Collection[uuid.UUID], now: datetime
) -> dict[uuid.UUID, PurchaseClosed]:
    """Do as `mark_paid` does for many purchases, in a handful of statements for all of them.

    Returns those that could not be paid, with why; these were not touched. One whose units are
    taken now is `OnlyAlone`, unless it is the only one.
    """
    return _mark_paid_all(purchase_ids, now=now)[1]


@whole
def _mark_paid_all(
    purchase_ids: Collection[uuid.UUID], *, now: datetime
) -> tuple[list[Locked], dict[uuid.UUID, PurchaseClosed]]:
    found = statements.lock(purchase_ids)
    paid: list[Locked] = []
    closed: dict[uuid.UUID, PurchaseClosed] = {}
    for purchase_id in purchase_ids:
        if purchase_id not in found:
            raise NotFound
        purchase = found[purchase_id]
        if all(order.is_paid for order in purchase.orders):
            continue
        if any(not order.is_unpaid for order in purchase.orders):
            closed[purchase_id] = PurchaseClosed()
            continue
        try:
            _take(purchase, is_alone=len(purchase_ids) == 1, now=now)
        except PurchaseClosed as why:
            closed[purchase_id] = why
        else:
            paid.append(purchase)
    _move_all(paid, now=now)
    return paid, closed


def _move_all(paid: Sequence[Locked], *, now: datetime) -> None:
    """Move orders that are locked and unpaid, and tell of each."""
    orders = [order for purchase in paid for order in purchase.orders]
    if not orders:
        return
    to, times = _after_payment(now)
    if to not in ORDER_TRANSITIONS[OrderState.UNPAID]:
        raise PurchaseClosed
    moved = statements.move_all([order.pk for order in orders], to=to, now=now, fields=times)
    if moved != len(orders):
        raise PurchaseClosed
    facts: list[OrderFact] = []
    for purchase in paid:
        for order in purchase.orders:
            mine = [line.referral for line in purchase.lines if line.order_id == order.pk]
            facts.append(fact_of(OrderPaid, order, referrals=mine))
            if ship_by := times.get("ship_by"):
                facts.append(fact_of(OrderReleased, order, referrals=mine, ship_by=ship_by))
    publish_all(facts)


def _after_payment(now: datetime) -> tuple[OrderState, dict[str, datetime]]:
    """Tell what a paid order is, and the times that it gets."""
    if settings.REMORSE_SECONDS > 0:
        until = now + timedelta(seconds=settings.REMORSE_SECONDS)
        return OrderState.ON_HOLD, {"paid_at": now, "hold_until": until}
    return OrderState.AWAITING_SHIPMENT, {
        "paid_at": now,
        "released_at": now,
        "ship_by": _ship_by(now),
    }


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


def _take(purchase: Locked, *, is_alone: bool, now: datetime) -> None:
    """Reserve the units of lines that nothing was kept for.

    :raises SoldOut: too few are left; none was taken
    :raises OnlyAlone: there are such lines, and other purchases are paid, too
    """
    late = [line for line in purchase.lines if line.is_first_paid]
    if not late:
        return
    if not is_alone:
        raise OnlyAlone
    wanted = [
        stock.Wanted(hold_id=line.hold_id, sku_id=line.sku_id, quantity=line.quantity)
        for line in late
    ]
    try:
        with transaction.atomic():
            stock.hold(wanted=wanted, now=now, ttl=_BRIEFLY, buyer_id=purchase.orders[0].buyer_id)
            stock.commit(hold_ids=[one.hold_id for one in wanted], now=now)
    except (stock.OutOfStock, stock.HoldExpired):
        raise SoldOut from None
