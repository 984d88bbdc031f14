"""Releasing an order's money from escrow, when nothing can come back by right any more.

Every change of an order's settlement is made under the order's row lock. The accounts of the books
are not locked by anybody.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction

from shops.facts.publishing import publish
from shops.ledger.models import Journal, Kind, Side
from shops.ledger.money import basis_points
from shops.ledger.services import Line, post
from shops.orders import services as orders
from shops.orders.models import Order
from shops.payments.queries import SOURCE_CAPTURE, in_escrow, journals_of_order
from shops.payouts import planning
from shops.payouts.events import OrderSettled
from shops.payouts.models import Posting, PostingKind, Reserve, Settlement, SettlementState
from shops.payouts.terms import Parts, scaled, shop_owner
from shops.returns.queries import open_for

log = logging.getLogger(__name__)

SOURCE_SETTLE: Final = "payouts.settle"
SOURCE_RESERVE: Final = "payouts.reserve"

# What each account gets, signed; it sums to what is released.
Amounts = Mapping[tuple[Kind, str], int]


def settle_due(*, now: datetime) -> int:
    """Release every order whose time has come, each in a transaction of its own; count them."""
    due = Settlement.objects.filter(state=SettlementState.WAITING, due_at__lte=now)
    ids = list(due.order_by("due_at", "pk").values_list("order_id", flat=True))
    return _each(settle, ids, now=now)


@transaction.atomic
def settle(*, order_id: int, now: datetime) -> bool:
    """Release an order's money; False when it is not due, disputed, or somebody is at it now.

    What is released is what the books say is in escrow for it: a refund or charge-back that was
    not posted yet is still in there, and is taken back from the released parts when it is posted.
    """
    order = _locked(order_id)
    if order is None:
        return False
    row = Settlement.objects.filter(order=order, state=SettlementState.WAITING).first()
    if row is None or row.due_at is None or row.due_at > now or open_for([order.pk]):
        return False
    journals = journals_of_order(order)
    if order.total_minor and not any(one.source == SOURCE_CAPTURE for one in journals):
        # The capture is about to be posted; a refund of it may have been quicker.
        return False
    left = min(max(in_escrow(journals), 0), order.total_minor)
    if left and not orders.mark_settled(order_id=order.pk, now=now):
        return False
    Settlement.objects.filter(pk=row.pk).update(
        state=SettlementState.SETTLED if left else SettlementState.VOID,
        left_minor=left,
        settled_at=now,
    )
    if left:
        _release(row, order, left, now=now)
    return True


def _release(row: Settlement, order: Order, left: int, *, now: datetime) -> None:
    owner = shop_owner(order.shop_id)
    parts = scaled(planning.parts_of(row), left)
    held = reserve_for(parts, row)
    lines = [
        Line(
            kind=Kind.ORDER_ESCROW,
            owner=owner,
            side=Side.DEBIT,
            amount_minor=left,
            currency=row.currency,
        ),
        *credits(with_reserve(parts, owner, held), row.currency),
    ]
    journal = post(
        source=SOURCE_SETTLE,
        key=str(order.pk),
        lines=lines,
        description=f"Order {order.number} released",
        now=now,
    )
    note(row, journal, PostingKind.SETTLED, left, now=now)
    if held:
        Reserve.objects.create(
            settlement=row,
            owner=owner,
            amount_minor=held,
            left_minor=held,
            release_at=now + timedelta(days=settings.RESERVE_DAYS),
        )
    publish(
        OrderSettled(
            order_id=order.pk,
            number=order.number,
            shop_id=order.shop_id,
            currency=row.currency,
            released_minor=left,
            seller_minor=sellers_part(parts),
        )
    )


def release_reserves(*, now: datetime) -> int:
    """Give back to sellers what was held back of their orders for long enough; count them."""
    due = Reserve.objects.filter(released_at=None, release_at__lte=now)
    ids = list(due.order_by("release_at", "pk").values_list("settlement__order_id", flat=True))
    return _each(release_reserve, ids, now=now)


@transaction.atomic
def release_reserve(*, order_id: int, now: datetime) -> bool:
    """Move an order's reserve to its seller; False when not due, or somebody is at it now."""
    order = _locked(order_id)
    reserve = (
        Reserve.objects.select_related("settlement")
        .filter(settlement__order_id=order_id, released_at=None, release_at__lte=now)
        .first()
    )
    if order is None or reserve is None:
        return False
    Reserve.objects.filter(pk=reserve.pk, released_at=None).update(released_at=now)
    if reserve.left_minor:
        row = reserve.settlement
        moved: dict[str, Any] = {
            "owner": reserve.owner,
            "amount_minor": reserve.left_minor,
            "currency": row.currency,
        }
        journal = post(
            source=SOURCE_RESERVE,
            key=str(order.pk),
            lines=[
                Line(kind=Kind.SELLER_RESERVE, side=Side.DEBIT, **moved),
                Line(kind=Kind.SELLER_PAYABLE, side=Side.CREDIT, **moved),
            ],
            description=f"Order {order.number}: reserve released",
            now=now,
        )
        note(row, journal, PostingKind.RESERVE, reserve.left_minor, now=now)
    return True


def sellers_part(parts: Parts) -> int:
    return sum(amount for (kind, _), amount in parts.items() if kind == Kind.SELLER_PAYABLE)


def reserve_for(parts: Parts, row: Settlement) -> int:
    """Work out what is held back of the seller's part, rounded half up."""
    return basis_points(sellers_part(parts), row.reserve_bps)


def with_reserve(parts: Parts, owner: str, held: int) -> Amounts:
    """Move what is held from the seller's balance to the seller's reserve."""
    amounts = dict(parts)
    if held:
        amounts[(Kind.SELLER_PAYABLE, owner)] -= held
        amounts[(Kind.SELLER_RESERVE, owner)] = held
    return amounts


def credits(amounts: Amounts, currency: str) -> list[Line]:
    """Write signed amounts as lines: what is above zero is credited, what is below is debited."""
    return [
        Line(
            kind=kind,
            owner=owner,
            side=Side.CREDIT if amount > 0 else Side.DEBIT,
            amount_minor=abs(amount),
            currency=currency,
        )
        for (kind, owner), amount in amounts.items()
        if amount
    ]


def note(
    row: Settlement,
    journal: Journal | None,
    kind: PostingKind,
    amount_minor: int,
    *,
    now: datetime,
) -> None:
    """Tie a journal to the order that it is about.

    :raises AlreadyPosted: the books had it already, so nothing may be counted a second time
    """
    if journal is None:
        raise AlreadyPosted(f"{kind} of settlement {row.pk}")
    Posting.objects.create(
        settlement=row, journal=journal, kind=kind, amount_minor=amount_minor, at=now
    )


class AlreadyPosted(RuntimeError):
    """The books hold a journal that the settlement does not know of."""


def _each(step: Callable[..., bool], order_ids: Iterable[int], *, now: datetime) -> int:
    moved = 0
    for order_id in order_ids:
        try:
            moved += step(order_id=order_id, now=now)
        except Exception:
            # One whose money can't be moved keeps no other one waiting; the doctor names it.
            log.exception("the money of order %s was not released", order_id)
    return moved


def _locked(order_id: int) -> Order | None:
    """Lock an order; None when somebody else holds it: the next run comes soon."""
    return Order.objects.select_for_update(skip_locked=True).filter(pk=order_id).first()
