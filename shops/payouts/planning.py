"""Freezing who gets what of an order, before anything is released."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cache
from typing import Final, cast

from django.conf import settings
from django.db import transaction
from django.db.models import Max, Q
from django.utils.module_loading import import_string

from shops.ledger.models import Kind
from shops.orders.models import OVER, Order
from shops.payouts import terms
from shops.payouts.models import Part, Settlement, SettlementState

# A paid order that lies further behind the newest plan is planned when it is delivered.
_LOOK_BACK: Final = 20_000
# Those who ship or cancel one of a batch wait for it, so it is small; a run does so many at most.
_BATCH: Final = 100
_MOST: Final = 20_000


def payee_of(referral: str) -> str:
    """Tell who earns the commission of a referral; "" for nobody."""
    return cast(str, import_string(settings.COMMISSION_PAYEE)(referral))


def planned_parts(order: Order) -> terms.Parts:
    """Work out who is to get what of an order that was not planned yet."""
    lines = order.lines.order_by("pk")
    return terms.parts_of(order, lines, payee_of=cache(payee_of), fund_bps=settings.FUND_BPS)


def due_at(delivered_at: datetime) -> datetime:
    return delivered_at + timedelta(days=settings.SETTLE_AFTER_DAYS)


@transaction.atomic
def plan(order_ids: Iterable[int], *, now: datetime) -> int:
    """Freeze the parts of paid orders that have none yet; return how many there were."""
    orders = Order.objects.filter(
        pk__in=list(order_ids), paid_at__isnull=False, settlement__isnull=True
    )
    plans = [(order, planned_parts(order)) for order in orders.order_by("pk")]
    if not plans:
        return 0
    # Somebody else may plan the same order now; the loser of the two adds nothing.
    Settlement.objects.bulk_create(
        (_settlement(order, now=now) for order, _ in plans), ignore_conflicts=True
    )
    rows = {
        row.order_id: row
        for row in Settlement.objects.select_for_update(of=("self",))
        .filter(order__in=[order for order, _ in plans], parts__isnull=True)
        .order_by("pk")
    }
    Part.objects.bulk_create(
        [
            Part(settlement=rows[order.pk], kind=kind, owner=owner, amount_minor=amount)
            for order, parts in plans
            if order.pk in rows
            for (kind, owner), amount in parts.items()
        ],
    )
    return len(rows)


def _settlement(order: Order, *, now: datetime) -> Settlement:
    return Settlement(
        order=order,
        currency=order.currency,
        total_minor=order.total_minor,
        reserve_bps=min(settings.RESERVE_BPS, 10_000),
        planned_at=now,
        due_at=due_at(order.delivered_at) if order.delivered_at else None,
    )


def plan_new(*, now: datetime) -> int:
    """Plan the newest paid orders, so that those who wait for their money see what is coming."""
    newest = Settlement.objects.aggregate(newest=Max("order_id"))["newest"] or 0
    found = Order.objects.filter(
        pk__gt=newest - _LOOK_BACK, paid_at__isnull=False, settlement__isnull=True
    )
    ids = list(found.order_by("pk").values_list("pk", flat=True)[:_MOST])
    batches = (ids[at : at + _BATCH] for at in range(0, len(ids), _BATCH))
    return sum(plan(batch, now=now) for batch in batches)


def void_closed(*, now: datetime) -> int:
    """Close the settlements of orders that were called off before anything was released."""
    return Settlement.objects.filter(
        Q(order__state__in=OVER), state=SettlementState.WAITING
    ).update(state=SettlementState.VOID)


def wait_again(order: Order) -> None:
    """Have an order's settlement wait that was closed while a bank had the order's money.

    The caller holds the order's lock.
    """
    Settlement.objects.filter(order=order, state=SettlementState.VOID).update(
        state=SettlementState.WAITING
    )


def parts_of(settlement: Settlement) -> terms.Parts:
    """Read the frozen parts, in the order that they were written in."""
    rows = settlement.parts.order_by("pk")
    return {(Kind(row.kind), row.owner): row.amount_minor for row in rows}
