"""From unpaid to paid, and, once the remorse hold is over, to the shop."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from shops.facts.publishing import publish_behind
from shops.facts.refused import NotFound
from shops.facts.transactions import whole
from shops.orders import paying_statements as statements
from shops.orders.events import OrderFact, OrderPaid, OrderReleased
from shops.orders.models import ORDER_TRANSITIONS, Order, OrderState
from shops.orders.paying_statements import Unpaid
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


@whole
def mark_paid(*, purchase_id: uuid.UUID, now: datetime) -> bool:
    """Move all orders of a purchase to "paid"; False when they were paid before.

    Units that nobody kept so far (first paid, first served) are taken now.

    :raises PurchaseClosed: they were cancelled or had expired: the money has to go back
    :raises SoldOut: too few units are left for it: likewise; `close_unpaid` ends the orders
    """
    unpaid, closed = lock_unpaid(purchase_ids=[purchase_id], now=now)
    if closed:
        raise closed[purchase_id]
    if not unpaid:
        return False
    paying = pay(unpaid, now=now)
    [moved] = publish_behind([paying.asked], paying.facts)
    paying.check(moved)
    return True


@whole
def lock_unpaid(
    *, purchase_ids: Collection[uuid.UUID], now: datetime
) -> tuple[list[Unpaid], dict[uuid.UUID, PurchaseClosed]]:
    """Take the locks of purchases; returns those to be paid by `pay`, and those that can't be.

    Who was paid before is in neither. Units that nobody kept so far are taken now, if there is one
    purchase; of several, one that needs some can't be paid: it is `OnlyAlone`.
    """
    found = statements.lock(purchase_ids)
    unpaid: list[Unpaid] = []
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
            unpaid.append(purchase)
    return unpaid, closed


class Paying(NamedTuple):
    """What moves orders that are locked and unpaid to "paid", and what has happened by that.

    Both in one trip, with whatever else there is to be written (`publish_behind`).
    """

    asked: tuple[str, Mapping[str, Any]]
    facts: Sequence[OrderFact]
    orders: int

    def check(self, moved: Sequence[object]) -> None:
        """See by the rows that came back whether all were moved.

        :raises PurchaseClosed: they were not
        """
        if len(moved) != self.orders:
            raise PurchaseClosed


def pay(unpaid: Sequence[Unpaid], *, now: datetime) -> Paying:
    """Say what is to be written for purchases of `lock_unpaid`; there must be one."""
    orders = [order for purchase in unpaid for order in purchase.orders]
    to, times = _after_payment(now)
    if to not in ORDER_TRANSITIONS[OrderState.UNPAID]:
        raise PurchaseClosed
    facts: list[OrderFact] = []
    for purchase in unpaid:
        for order in purchase.orders:
            mine = [line.referral for line in purchase.lines if line.order_id == order.pk]
            facts.append(fact_of(OrderPaid, order, referrals=mine))
            if ship_by := times.get("ship_by"):
                facts.append(fact_of(OrderReleased, order, referrals=mine, ship_by=ship_by))
    asked = statements.moving([order.pk for order in orders], to=to, now=now, fields=times)
    return Paying(asked, facts, len(orders))


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


def _take(purchase: Unpaid, *, is_alone: bool, now: datetime) -> None:
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
