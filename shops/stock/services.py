"""Holding, giving back and counting units.

`now` is the caller's clock and is written in the history. Whether a hold has run out is asked of
the database's clock alone, so that a web server whose clock is wrong takes no buyer's hold away.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from shops.catalog.services import set_price
from shops.facts.publishing import publish
from shops.facts.refused import NotFound, Refused
from shops.stock import batcher, statements
from shops.stock.events import StockChanged
from shops.stock.models import Hold, HoldState, Stock
from shops.stock.reserving import MOST_PER_HOLD as MOST_PER_HOLD
from shops.stock.reserving import Ask, check
from shops.stock.reserving import BadQuantity as BadQuantity
from shops.stock.reserving import HoldMismatch as HoldMismatch
from shops.stock.reserving import OutOfStock as OutOfStock
from shops.stock.reserving import Wanted as Wanted
from shops.stock.statements import Level

MOST_ON_HAND: Final = 1_000_000
RENEWED_FOR: Final = timedelta(minutes=5)
# However often it is renewed, a hold ends this long after it began.
HARD_CAP: Final = timedelta(minutes=15)


def hold(
    *,
    wanted: Sequence[Wanted],
    now: datetime,
    ttl: timedelta,
    buyer_id: int | None = None,
) -> list[Hold]:
    """Keep units for a buyer for `ttl`, all that are wanted or none; the one door to a hold.

    Asking again with the same ids gives the same holds, in whatever state they are by now, and
    reserves nothing twice. Many requests for a SKU at once are reserved together (`batcher`). Call
    it outside a transaction: in one, the lock on a SKU lasts until the end of the outermost one.
    Returns the holds in the order of `wanted`.

    :raises BadQuantity: a quantity is not 1 to 99
    :raises HoldMismatch: an id was used before for another SKU, quantity or buyer
    :raises OutOfStock: fewer units are left than were asked for
    :raises Busy: more is asked for than we can take
    """
    check(wanted)
    kept = batcher.keep(Ask(wanted, ttl, now, buyer_id))
    return [one.as_hold() for one in kept]


@transaction.atomic
def release(*, hold_ids: Iterable[UUID], now: datetime) -> int:
    """Give up holds that are still held; others are left alone. Returns how many were freed."""
    levels, freed = statements.let_go(
        hold_ids=list(hold_ids), from_state=HoldState.HELD, to_state=HoldState.RELEASED, now=now
    )
    _publish(levels)
    return freed


@transaction.atomic
def give_back(*, hold_ids: Iterable[UUID], now: datetime) -> int:
    """Free the units of an order that was cancelled, expired or refunded before it was sent.

    Twice is the same as once. Returns how many holds were freed.
    """
    levels, freed = statements.let_go(
        hold_ids=list(hold_ids),
        from_state=HoldState.COMMITTED,
        to_state=HoldState.RELEASED,
        now=now,
    )
    _publish(levels)
    return freed


class HoldExpired(Refused):
    """`extra`: `hold_ids` that are no longer held."""

    code = "hold_expired"
    message = _("The time that these goods were kept for you is over.")


class HoldUsed(Refused):
    """`extra`: `hold_ids` that an order has already."""

    code = "hold_used"
    message = _("These goods are ordered already.")


@transaction.atomic
def commit(*, hold_ids: Iterable[UUID], now: datetime) -> None:
    """Turn holds into ordered units, all or none, without touching the stock row.

    :raises HoldExpired: one ran out by the database's clock, was released, or never was
    :raises HoldUsed: one was committed before
    """
    ids = set(hold_ids)
    missed = ids - statements.commit(hold_ids=sorted(ids), now=now)
    if missed:
        _refuse(missed)


@transaction.atomic
def renew(*, hold_ids: Iterable[UUID], now: datetime) -> list[Hold]:
    """Give holds with under two minutes left five more, at most 15 minutes after they began.

    :raises HoldExpired: one is no longer held
    :raises HoldUsed: one was committed before
    """
    ids = set(hold_ids)
    below = timedelta(seconds=settings.HOLD_RENEW_BELOW_SECONDS)
    missed = ids - statements.renew(
        hold_ids=sorted(ids), below=below, extension=RENEWED_FOR, cap=HARD_CAP
    )
    if missed:
        _refuse(missed)
    return list(Hold.objects.filter(id__in=ids).order_by("id"))


def _refuse(hold_ids: Iterable[UUID]) -> None:
    used = Hold.objects.filter(id__in=hold_ids, state=HoldState.COMMITTED)
    committed = sorted(str(pk) for pk in used.values_list("id", flat=True))
    if committed:
        raise HoldUsed(hold_ids=committed)
    raise HoldExpired(hold_ids=sorted(str(pk) for pk in hold_ids))


@transaction.atomic
def expire_due(*, now: datetime, limit: int = 500) -> int:
    """Free up to `limit` holds that ran out at `now`; returns how many.

    Pass the database's clock (`queries.database_now`). Several sweepers may run at once.
    """
    levels, expired = statements.let_go_due(
        due=now, from_state=HoldState.HELD, to_state=HoldState.EXPIRED, limit=limit
    )
    _publish(levels)
    return expired


class BadCount(Refused):
    code = "bad_count"
    message = _("Units on hand must be a whole number from 0 to 1,000,000.")
    status = 400


class BelowReserved(Refused):
    """`extra`: `sku_id` and how many are `reserved`; `short` lists all such SKUs."""

    code = "below_reserved"
    message = _("More units are reserved or ordered than that.")


@transaction.atomic
def set_on_hand(*, counts: Mapping[int, int], now: datetime) -> int:
    """Set units on hand by SKU id, all or none; returns how many SKUs changed.

    A SKU that had no stock row gets one. That first count is not published: nobody can be looking
    at a SKU that did not exist.

    :raises BadCount: a count is negative or absurd
    :raises BelowReserved: more units are reserved than there would be
    """
    if any(not 0 <= units <= MOST_ON_HAND for units in counts.values()):
        raise BadCount
    counted = dict(sorted(counts.items()))
    known = set(Stock.objects.filter(sku_id__in=counted).values_list("sku_id", flat=True))
    first = [Stock(sku_id=sku_id, on_hand=counted[sku_id]) for sku_id in counted.keys() - known]
    Stock.objects.bulk_create(sorted(first, key=lambda one: one.sku_id), ignore_conflicts=True)
    levels, refused = statements.count(counts=counted)
    if refused:
        raise BelowReserved(
            sku_id=refused[0].sku_id,
            reserved=refused[0].left,
            short=[{"sku_id": one.sku_id, "reserved": one.left} for one in refused],
        )
    _publish(levels)
    return len(levels) + len(first)


@transaction.atomic
def edit_sku(
    *, sku_id: int, on_hand: int, price_minor: int, compare_at_minor: int | None, now: datetime
) -> None:
    """Set a SKU's units on hand and its prices, both or none.

    :raises BadCount: the count is negative or absurd
    :raises BelowReserved: more units are reserved than there would be
    :raises BadPrice: a price is negative or absurd
    """
    set_price(sku_id=sku_id, price_minor=price_minor, compare_at_minor=compare_at_minor, now=now)
    set_on_hand(counts={sku_id: on_hand}, now=now)


@transaction.atomic
def receive(*, sku_id: int, quantity: int, now: datetime) -> int:
    """Add units that came in; returns the new number on hand.

    :raises BadCount: the quantity is not positive, or there would be absurdly many
    :raises NotFound: the SKU has no stock row
    """
    if quantity < 1:
        raise BadCount
    level = statements.add(sku_id=sku_id, quantity=quantity, most=MOST_ON_HAND)
    if level is None:
        if Stock.objects.filter(sku_id=sku_id).exists():
            raise BadCount
        raise NotFound
    _publish([level])
    return level.on_hand


def _publish(levels: Iterable[Level]) -> None:
    for level in levels:
        publish(
            StockChanged(
                sku_id=level.sku_id,
                product_id=level.product_id,
                available=level.available,
                on_hand=level.on_hand,
                rev=level.rev,
            )
        )
