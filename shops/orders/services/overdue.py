"""Orders that their shops do not ship in time: a reminder, then the end."""

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext

from shops.orders.events import LinesCancelled, ShippingDue
from shops.orders.models import TO_PACK, Order, OrderLine, OrderState
from shops.orders.services.arriving import arrived
from shops.orders.services.closing import call_off
from shops.orders.services.moves import each, move, tell
from shops.stock import services as stock

_REMIND_BEFORE: Final = timedelta(days=2)


@transaction.atomic
def remind_due(*, now: datetime, limit: int = 100) -> int:
    """Tell of orders that must be shipped within two days; once of each. Returns how many."""
    # A shop that has less time in all is told when half of it is over.
    before = min(_REMIND_BEFORE, timedelta(days=settings.SHIP_WITHIN_DAYS) / 2)
    due = Order.objects.select_for_update(skip_locked=True).filter(
        state__in=TO_PACK, ship_by__lte=now + before, reminded_at__isnull=True
    )
    found = list(due.order_by("ship_by", "pk")[:limit])
    for order in found:
        if order.ship_by is not None:
            tell(ShippingDue, order, ship_by=order.ship_by)
    Order.objects.filter(pk__in=[order.pk for order in found]).update(reminded_at=now)
    return len(found)


def cancel_overdue(*, now: datetime, limit: int = 100) -> int:
    """Call off what was not shipped in time, whole orders or the rest of them; returns how many.

    Each is a transaction of its own: together they would take SKUs in any order.
    """
    due = Order.objects.filter(state__in=TO_PACK, ship_by__lte=now).order_by("ship_by", "pk")
    return each(_cancel, due.values_list("pk", flat=True)[:limit], now=now)


@transaction.atomic
def _cancel(order_id: int, *, now: datetime) -> bool:
    order = (
        Order.objects.select_for_update(skip_locked=True)
        .filter(pk=order_id, state__in=TO_PACK, ship_by__lte=now)
        .first()
    )
    if order is None:  # shipped, cancelled or taken by another sweeper meanwhile
        return False
    reason = gettext("Not shipped in time")
    if order.state == OrderState.AWAITING_SHIPMENT:
        call_off(order_id=order.pk, reason=reason, now=now)
    else:
        _call_off_rest(order, reason=reason, now=now)
    return True


def _call_off_rest(order: Order, *, reason: str, now: datetime) -> None:
    """Free what was not sent of an order; what was sent is all there is to it now."""
    lines = OrderLine.objects.filter(
        order=order, parcel_line__isnull=True, cancelled_at__isnull=True
    )
    rest = list(lines.order_by("pk"))
    lines.filter(pk__in=[line.pk for line in rest]).update(cancelled_at=now)
    stock.give_back(hold_ids=[line.hold_id for line in rest], now=now)
    # What may have gone back before, for whatever reason, can't go back again.
    left = order.total_minor - order.refunded_minor
    if not arrived(order, by=None, now=now):
        move(order, OrderState.IN_TRANSIT, reason=reason, now=now, shipped_at=now)
    tell(
        LinesCancelled,
        order,
        line_ids=[line.pk for line in rest],
        amount_minor=min(left, sum(line.paid_minor for line in rest)),
        reason=reason,
    )
