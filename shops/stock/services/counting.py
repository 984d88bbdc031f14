"""Units that come and go without a buyer: deliveries, corrections, returns, each with a reason."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _
from psycopg.errors import UniqueViolation

from shops.accounts.models import User
from shops.catalog.services import set_price
from shops.facts.refused import NotFound, Refused
from shops.stock import statements
from shops.stock.models import Kind, Stock, StockMovement
from shops.stock.services.telling import tell
from shops.stock.services.waitlist import pass_on

MOST_ON_HAND: Final = 1_000_000
REASON_LENGTH: Final = 200
# What somebody did by hand may be taken back; the rest belongs to holds and orders.
CAN_BE_UNDONE: Final = (Kind.RECEIVED, Kind.CORRECTED)


class BadCount(Refused):
    code = "bad_count"
    message = _("Units on hand must be a whole number from 0 to 1,000,000.")
    status = 400


class BelowReserved(Refused):
    """`extra`: `sku_id` and how many are `reserved`; `short` lists all such SKUs."""

    code = "below_reserved"
    message = _("More units are reserved or ordered than that.")


@transaction.atomic
def set_on_hand(
    *, counts: Mapping[int, int], now: datetime, actor: User | None = None, reason: str = ""
) -> int:
    """Set units on hand by SKU id, all or none; returns how many SKUs changed.

    A SKU that had no stock row gets one. That first count is not published: nobody can be looking
    at a SKU that did not exist.

    :raises BadCount: a count is negative or absurd
    :raises BelowReserved: more units are reserved than there would be
    """
    if any(not 0 <= units <= MOST_ON_HAND for units in counts.values()):
        raise BadCount
    counted = dict(sorted(counts.items()))
    who, why = actor.pk if actor else None, reason[:REASON_LENGTH]
    known = set(Stock.objects.filter(sku_id__in=counted).values_list("sku_id", flat=True))
    first = {sku_id: units for sku_id, units in counted.items() if sku_id not in known}
    if first:
        statements.open_books(counts=first, now=now, actor_id=who, reason=why)
    levels, refused = statements.count(counts=counted, now=now, actor_id=who, reason=why)
    if refused:
        raise BelowReserved(
            sku_id=refused[0].sku_id,
            reserved=refused[0].left,
            short=[{"sku_id": one.sku_id, "reserved": one.left} for one in refused],
        )
    tell(pass_on(levels, now=now))
    return len(levels) + len(first)


class CountMoved(Refused):
    """`extra`: the units `on_hand` now."""

    code = "count_moved"
    message = _("Meanwhile units came or went. Look again before you correct the number.")


@transaction.atomic
def correct(
    *, sku_id: int, on_hand: int, seen: int, reason: str, actor: User | None, now: datetime
) -> bool:
    """Correct the units on hand from what somebody saw (`seen`); False when that was right already.

    :raises CountMoved: there are no longer as many as were seen
    :raises BadCount: the count is negative or absurd
    :raises BelowReserved: more units are reserved than there would be
    """
    stock = Stock.objects.select_for_update().filter(sku_id=sku_id).first()
    if stock is None:
        raise NotFound
    if stock.on_hand != seen:
        raise CountMoved(on_hand=stock.on_hand)
    return bool(set_on_hand(counts={sku_id: on_hand}, now=now, actor=actor, reason=reason))


@transaction.atomic
def edit_sku(
    *,
    sku_id: int,
    on_hand: int,
    price_minor: int,
    compare_at_minor: int | None,
    now: datetime,
    actor: User | None = None,
    reason: str = "",
) -> None:
    """Set a SKU's units on hand and its prices, both or none.

    :raises BadCount: the count is negative or absurd
    :raises BelowReserved: more units are reserved than there would be
    :raises BadPrice: a price is negative or absurd
    """
    set_price(sku_id=sku_id, price_minor=price_minor, compare_at_minor=compare_at_minor, now=now)
    set_on_hand(counts={sku_id: on_hand}, now=now, actor=actor, reason=reason)


@transaction.atomic
def receive(
    *, sku_id: int, quantity: int, now: datetime, actor: User | None = None, reason: str = ""
) -> int:
    """Add units that came in; returns the new number on hand.

    :raises BadCount: the quantity is not positive, or there would be absurdly many
    :raises NotFound: the SKU has no stock row
    """
    return _add(sku_id, quantity, kind=Kind.RECEIVED, now=now, actor=actor, reason=reason)


@transaction.atomic
def take_back(*, sku_id: int, quantity: int, reason: str, actor: User | None, now: datetime) -> int:
    """Put units that a buyer sent back on the shelf again; returns the new number on hand.

    :raises BadCount: the quantity is not positive, or there would be absurdly many
    :raises NotFound: the SKU has no stock row
    """
    return _add(sku_id, quantity, kind=Kind.RETURNED, now=now, actor=actor, reason=reason)


def _add(
    sku_id: int, quantity: int, *, kind: Kind, now: datetime, actor: User | None, reason: str
) -> int:
    if quantity < 1:
        raise BadCount
    level = statements.add(
        sku_id=sku_id,
        more=quantity,
        most=MOST_ON_HAND,
        kind=kind,
        now=now,
        actor_id=actor.pk if actor else None,
        reason=reason[:REASON_LENGTH],
    )
    if level is None:
        if Stock.objects.filter(sku_id=sku_id).exists():
            raise BadCount
        raise NotFound
    tell(pass_on([level], now=now))
    return level.on_hand


class CannotUndo(Refused):
    code = "cannot_undo"
    message = _("Only deliveries and corrections can be undone, each of them once.")


@transaction.atomic
def undo(*, movement_id: int, sku_id: int, actor: User | None, now: datetime) -> int:
    """Take a delivery or a correction back by a movement that does the opposite.

    Returns the new number on hand.

    :raises NotFound: the SKU has no such movement
    :raises CannotUndo: it is of another kind, or undone already
    :raises BelowReserved: more units are reserved than there would be
    """
    movement = StockMovement.objects.filter(pk=movement_id, sku_id=sku_id).first()
    if movement is None:
        raise NotFound
    if movement.kind not in CAN_BE_UNDONE or movement.undone_by.exists():
        raise CannotUndo
    try:
        with transaction.atomic():
            level = statements.add(
                sku_id=sku_id,
                more=-movement.on_hand,
                most=MOST_ON_HAND,
                kind=Kind.CORRECTED,
                now=now,
                actor_id=actor.pk if actor else None,
                reason=movement.reason,
                undoes_id=movement.pk,
            )
    except IntegrityError as error:
        if not isinstance(error.__cause__, UniqueViolation):
            raise
        raise CannotUndo from None
    if level is None:
        stock = Stock.objects.get(sku_id=sku_id)
        if stock.on_hand - movement.on_hand > MOST_ON_HAND:
            raise BadCount
        raise BelowReserved(sku_id=sku_id, reserved=stock.reserved)
    tell(pass_on([level], now=now))
    return level.on_hand
