"""What must hold between orders, settlements, payouts and the books; `manage.py doctor` asks."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from django.db.models import F, Q, Sum

from shops.ledger import queries as ledger
from shops.ledger.models import Entry, Journal, Kind, Side
from shops.orders.models import Order, OrderState
from shops.payouts.models import (
    Payout,
    PayoutRun,
    PayoutState,
    Reserve,
    RunState,
    Settlement,
    SettlementState,
)
from shops.payouts.paying import SOURCE_FAILED, SOURCE_PAID, SOURCE_PAYOUT
from shops.returns.queries import open_for

# Jobs run each few minutes; what is older than this was forgotten.
_PATIENCE: Final = timedelta(hours=1)
_MOST: Final = 100


def off(*, now: datetime) -> Iterator[str]:
    """Yield a text for each thing that is wrong."""
    yield from _parts()
    yield from _settled()
    yield from _reserves()
    yield from _payouts()
    yield from _forgotten(now - _PATIENCE)


def _parts() -> Iterator[str]:
    uneven = (
        Settlement.objects.annotate(sum=Sum("parts__amount_minor", default=0))
        .exclude(sum=F("total_minor"))
        .order_by("pk")
    )
    for row in uneven[:_MOST]:
        yield f"order {row.order_id}: its parts sum to {row.sum}, its price is {row.total_minor}"


def _settled() -> Iterator[str]:
    """Released orders are marked as such, and the books hold what is left of each."""
    unmarked = Settlement.objects.filter(
        Q(state=SettlementState.SETTLED, order__settled_at=None)
        | (~Q(state=SettlementState.SETTLED) & Q(order__settled_at__isnull=False))
    )
    for row in unmarked.order_by("pk")[:_MOST]:
        yield f"order {row.order_id}: its settlement is {row.state}, the order says otherwise"
    held = Counter[int]()
    signed = (
        Entry.objects.filter(journal__posting__isnull=False)
        .exclude(account__kind__in=[Kind.ORDER_ESCROW, Kind.PSP_CLEARING, Kind.CHARGE_BACK_LOSS])
        .values_list("journal__posting__settlement", "side")
        .annotate(sum=Sum("amount_minor"))
    )
    for settlement, side, total in signed:
        held[settlement] += total if side == Side.CREDIT else -total
    for row in Settlement.objects.order_by("pk").iterator():
        if held[row.pk] != row.left_minor:
            yield (
                f"order {row.order_id}: {row.left_minor} is left of it,"
                f" the books say {held[row.pk]}"
            )


def _reserves() -> Iterator[str]:
    held = Counter[tuple[str, str]]()
    for owner, currency, left in Reserve.objects.filter(released_at=None).values_list(
        "owner", "settlement__currency", "left_minor"
    ):
        held[owner, currency] += left
    books = ledger.balances_of_kind(kind=Kind.SELLER_RESERVE)
    for key in sorted(set(held) | set(books)):
        if held[key] != -books.get(key, 0):
            said = -books.get(key, 0)
            yield f"reserve of {key[0]} in {key[1]}: {held[key]}, the books say {said}"


def _payouts() -> Iterator[str]:
    """Each payout left its balance once, and ended in the books as it ended."""
    posted: dict[str, set[str]] = {
        source: set(Journal.objects.filter(source=source).values_list("key", flat=True))
        for source in (SOURCE_PAYOUT, SOURCE_PAID, SOURCE_FAILED)
    }
    under_way = Counter[str]()
    for payout in Payout.objects.order_by("created_at").iterator():
        key = str(payout.pk)
        expected = {SOURCE_PAYOUT}
        if payout.state == PayoutState.PAID:
            expected.add(SOURCE_PAID)
        elif payout.state == PayoutState.FAILED:
            expected.add(SOURCE_FAILED)
        else:
            under_way[payout.currency] += payout.amount_minor
        found = {source for source, keys in posted.items() if key in keys}
        if found != expected:
            yield f"payout {key} is {payout.state}, the books have {sorted(found)}"
    for (_, currency), balance in ledger.balances_of_kind(kind=Kind.PAYOUT_CLEARING).items():
        if -balance != under_way[currency]:
            sent = under_way[currency]
            yield f"payouts under way in {currency}: {sent}, the books say {-balance}"


def _forgotten(before: datetime) -> Iterator[str]:
    delivered = Order.objects.filter(
        state__in=[OrderState.DELIVERED, OrderState.COMPLETED],
        delivered_at__lt=before,
        paid_at__isnull=False,
        settled_at=None,
    )
    unplanned = delivered.filter(
        Q(settlement=None) | Q(settlement__state="waiting", settlement__due_at=None)
    )
    for number in unplanned.order_by("pk").values_list("number", flat=True)[:_MOST]:
        yield f"order {number} was delivered, and no day is set for its release"
    due = Settlement.objects.filter(
        order__in=delivered, state=SettlementState.WAITING, due_at__lt=before
    )
    waiting = dict(due.order_by("due_at", "pk").values_list("order_id", "order__number"))
    is_open = open_for(waiting)
    for order_id, number in waiting.items():
        if order_id not in is_open:
            yield f"order {number} should have been released, and still waits"
    reserves = Reserve.objects.filter(released_at=None, release_at__lt=before)
    for order_id in reserves.order_by("pk").values_list("settlement__order_id", flat=True)[:_MOST]:
        yield f"order {order_id}: its reserve should have been released, and is still held"
    for run in PayoutRun.objects.filter(
        state=RunState.OPEN, collected_at=None, started_at__lt=before
    ):
        yield f"payout run {run.pk} was begun and not carried on"
