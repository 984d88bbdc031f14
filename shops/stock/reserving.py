"""Reserve units for one or many at once: one lock per SKU, everybody in their turn.

A transaction locks the stock rows of all SKUs that it is asked for in key order, looks up which
holds there are already, and walks the requests in the order in which they came. All that it grants
is written by one statement. One request alone takes the same way as two hundred.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final, NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from shops.facts.publishing import publish_behind
from shops.facts.refused import Refused
from shops.facts.rows import ask_each
from shops.stock.events import StockChanged
from shops.stock.models import Hold, HoldState

MOST_PER_HOLD: Final = 99
# Another transaction made holds with our ids for other SKUs; each try finds at least one of them.
_TRIES: Final = 4


class Wanted(NamedTuple):
    """Units somebody wants to keep; `hold_id` is the client's, a retry sends the same."""

    hold_id: UUID
    sku_id: int
    quantity: int


class Ask(NamedTuple):
    """What somebody wants, all of it or none: `ttl` from now by the database's clock."""

    wanted: Sequence[Wanted]
    ttl: timedelta
    now: datetime
    buyer_id: int | None = None


class Kept(NamedTuple):
    """A hold as it stands, in the order of its table's columns."""

    id: UUID
    sku_id: int
    buyer_id: int | None
    quantity: int
    state: str
    expires_at: datetime
    created_at: datetime

    def as_hold(self) -> Hold:
        return Hold.from_db(connection.alias, list(self._fields), list(self))


Answer = list[Kept] | Refused


class BadQuantity(Refused):
    code = "bad_quantity"
    message = _("The quantity must be a whole number from 1 to 99.")
    status = 400


class HoldMismatch(Refused):
    """A hold with this id exists already, for something or somebody else."""

    code = "hold_mismatch"
    message = _("This reservation was made for something else.")
    status = 422


class OutOfStock(Refused):
    """`extra`: `sku_id` and `left` of the first SKU that fell short, `short` lists all."""

    code = "out_of_stock"
    message = _("There are not enough units left.")


class Overtaken(Refused):
    code = "stock_moving"
    message = _("The same was asked for several times at once. Try again in a moment.")
    status = 503
    retry_after = 1


def check(wanted: Sequence[Wanted]) -> None:
    """Refuse what can't be asked for.

    :raises BadQuantity: a quantity is not 1 to 99
    :raises HoldMismatch: one id stands for two holds
    """
    for one in wanted:
        if not 1 <= one.quantity <= MOST_PER_HOLD:
            raise BadQuantity(sku_id=one.sku_id)
    if len(wanted) > 1 and len({one.hold_id for one in wanted}) != len(wanted):
        raise HoldMismatch


# --- Who gets what ----------------------------------------------------------------------------


class Granted(NamedTuple):
    """A hold that a walk grants; `ask` is the number of the request."""

    ask: int
    wanted: Wanted


class Walked(NamedTuple):
    """What a walk came to: a refusal or None by request, and the new holds."""

    refusals: Sequence[Refused | None]
    granted: Sequence[Granted]


def walk(asks: Sequence[Ask], *, known: Iterable[Kept], left: Mapping[int, int]) -> Walked:
    """Grant requests in the order in which they came, each whole or not at all.

    Nobody is refused while what they want is left at their turn: one who wants too much does not
    stand in the way of a later one who wants less. What has a hold already needs no units.

    :param known: the holds that exist
    :param left: free units by SKU; a SKU that is not there has none
    """
    free = dict(left)
    # By the number of an id: a UUID's own hash is worked out in Python, at every look.
    holds = {one.id.int: (one.sku_id, one.quantity, one.buyer_id) for one in known}
    refusals: list[Refused | None] = []
    granted: list[Granted] = []
    for number, ask in enumerate(asks):
        new: list[Wanted] = []
        demand: dict[int, int] = {}
        refused: Refused | None = None
        for one in ask.wanted:
            old = holds.get(one.hold_id.int)
            if old is None:
                new.append(one)
                demand[one.sku_id] = demand.get(one.sku_id, 0) + one.quantity
            elif old[:2] != one[1:] or (ask.buyer_id and old[2] and ask.buyer_id != old[2]):
                refused = HoldMismatch(hold_id=str(one.hold_id))
                break
        else:
            for sku_id, quantity in demand.items():
                if free.get(sku_id, 0) < quantity:
                    refused = _out_of_stock(demand, free)
                    break
        refusals.append(refused)
        if refused is None:
            for one in new:
                free[one.sku_id] -= one.quantity
                holds[one.hold_id.int] = (one.sku_id, one.quantity, ask.buyer_id)
                granted.append(Granted(number, one))
    return Walked(refusals, granted)


def _out_of_stock(demand: Mapping[int, int], free: Mapping[int, int]) -> OutOfStock:
    short = [
        {"sku_id": sku_id, "left": free.get(sku_id, 0)}
        for sku_id in sorted(demand)
        if free.get(sku_id, 0) < demand[sku_id]
    ]
    return OutOfStock(sku_id=short[0]["sku_id"], left=short[0]["left"], short=short)


# --- The transaction --------------------------------------------------------------------------


class _Conflict(Exception):
    """A hold with an id of ours was made meanwhile, for a SKU that we don't have the lock of."""


def reserve(
    asks: Sequence[Ask],
    *,
    then: Callable[[list[Answer]], None] | None = None,
    show: Callable[[StockChanged], None] | None = None,
) -> list[Answer]:
    """Keep units for several at once; answers in their order, each the holds or a refusal.

    `then` is called with the answers as soon as they are committed, `show` with each change behind
    it; without `show`, browsers are told by the ordinary way of facts.
    """
    for _try in range(_TRIES):
        try:
            return _reserve(asks, then=then, show=show)
        except _Conflict:
            continue
    return [Overtaken() for _ in asks]


@transaction.atomic
def _reserve(
    asks: Sequence[Ask],
    *,
    then: Callable[[list[Answer]], None] | None,
    show: Callable[[StockChanged], None] | None,
) -> list[Answer]:
    wanted = [one for ask in asks for one in ask.wanted]
    found = _look(wanted)
    walked = walk(asks, known=found.holds.values(), left=found.left)
    kept = found.holds
    new: list[tuple[Kept, datetime]] = []
    for number, one in walked.granted:
        ask = asks[number]
        hold = Kept(
            id=one.hold_id,
            sku_id=one.sku_id,
            buyer_id=ask.buyer_id,
            quantity=one.quantity,
            state=HoldState.HELD.value,
            expires_at=found.at + ask.ttl,
            created_at=found.at,
        )
        kept[one.hold_id.int] = hold
        new.append((hold, ask.now))
    facts = _write(new, found.levels, is_shown=show is None) if new else []
    answers: list[Answer] = [
        [kept[one.hold_id.int] for one in ask.wanted] if refused is None else refused
        for ask, refused in zip(asks, walked.refusals, strict=True)
    ]
    if then is not None:
        transaction.on_commit(partial(then, answers))
    if show is not None:
        for fact in facts:
            transaction.on_commit(partial(show, fact), robust=True)
    return answers


class _Level(NamedTuple):
    product_id: int
    on_hand: int
    reserved: int
    rev: int


class _Found(NamedTuple):
    levels: dict[int, _Level]
    # By the numbers of their ids.
    holds: dict[int, Kept]
    at: datetime

    @property
    def left(self) -> dict[int, int]:
        return {sku_id: one.on_hand - one.reserved for sku_id, one in self.levels.items()}


# Of one round trip, each with a snapshot of its own. The first gives what it has locked: rows as
# they are then, not as they were before it waited. The second begins under the locks, so it sees
# what was written by whoever held them before; the clock is read under them, too: time that was
# spent waiting is not taken from anybody's hold.
_LOCK: Final = """
SELECT s.sku_id, k.product_id, s.on_hand, s.reserved, s.rev
FROM stock_stock s JOIN catalog_sku k ON k.id = s.sku_id
WHERE s.sku_id = ANY(%(skus)s::bigint[]) ORDER BY s.sku_id FOR UPDATE OF s
"""
_HOLDS: Final = """
SELECT clock_timestamp(), h.id, h.sku_id, h.buyer_id, h.quantity, h.state, h.expires_at,
    h.created_at
FROM (VALUES (1)) AS one LEFT JOIN stock_hold h ON h.id = ANY(%(ids)s::uuid[])
"""


def _look(wanted: Sequence[Wanted]) -> _Found:
    """Lock the stock of what is wanted, then read what is left of it and which holds there are."""
    levels, holds = ask_each(
        [
            (_LOCK, {"skus": _array(sorted({one.sku_id for one in wanted}))}),
            (_HOLDS, {"ids": _array(one.hold_id.hex for one in wanted)}),
        ]
    )
    return _Found(
        levels={row[0]: _Level(*row[1:]) for row in levels},
        holds={row[1].int: Kept(*row[1:]) for row in holds if row[1] is not None},
        at=holds[0][0],
    )


# Written in the order of the ids: two who insert the same ones never wait for each other in a ring.
_WRITE: Final = """
WITH line AS (
    SELECT * FROM unnest(
        %(ids)s::uuid[], %(skus)s::bigint[], %(buyers)s::bigint[], %(quantities)s::int[],
        %(ttls)s::bigint[], %(nows)s::timestamptz[]
    ) AS line (id, sku_id, buyer_id, quantity, ttl, now)
), made AS (
    INSERT INTO stock_hold (id, sku_id, buyer_id, quantity, state, expires_at, created_at)
    SELECT id, sku_id, buyer_id, quantity, 'held',
        %(at)s::timestamptz + ttl * interval '1 microsecond', %(at)s::timestamptz
    FROM line ORDER BY id
    ON CONFLICT (id) DO NOTHING
    RETURNING id, sku_id, quantity
), noted AS (
    INSERT INTO stock_stockmovement (sku_id, kind, quantity, held, hold_id, at)
    SELECT sku_id, 'held', quantity, quantity, id, now FROM line
), demand AS (
    SELECT sku_id, sum(quantity) AS quantity, count(*) AS holds FROM made GROUP BY sku_id
)
UPDATE stock_stock s SET reserved = s.reserved + d.quantity, rev = s.rev + 1
FROM demand d WHERE s.sku_id = d.sku_id
RETURNING d.holds
"""
_MICROSECOND: Final = timedelta(microseconds=1)


def _write(
    new: Sequence[tuple[Kept, datetime]], levels: Mapping[int, _Level], *, is_shown: bool
) -> list[StockChanged]:
    """Write holds, what they reserve and the facts of that, in one trip; returns the facts.

    :raises _Conflict: one of them was made meanwhile; nothing must be committed
    """
    at = new[0][0].created_at
    demand: dict[int, int] = {}
    for hold, _now in new:
        demand[hold.sku_id] = demand.get(hold.sku_id, 0) + hold.quantity
    # Nobody else changes rows whose locks are ours, so we know how they are when we have written.
    facts = [
        StockChanged(
            sku_id=sku_id,
            product_id=levels[sku_id].product_id,
            available=levels[sku_id].on_hand - levels[sku_id].reserved - units,
            on_hand=levels[sku_id].on_hand,
            rev=levels[sku_id].rev + 1,
        )
        for sku_id, units in sorted(demand.items())
    ]
    values = {
        "ids": _array(hold.id.hex for hold, _now in new),
        "skus": _array(hold.sku_id for hold, _now in new),
        "buyers": _array(hold.buyer_id or "NULL" for hold, _now in new),
        "quantities": _array(hold.quantity for hold, _now in new),
        "ttls": _array((hold.expires_at - at) // _MICROSECOND for hold, _now in new),
        "nows": _array(now.isoformat() for _hold, now in new),
        "at": at,
    }
    [rows] = publish_behind([(_WRITE, values)], facts, is_shown=is_shown)
    if sum(holds for (holds,) in rows) != len(new):
        raise _Conflict
    return facts


def _array(members: Iterable[object]) -> str:
    """Write an array as PostgreSQL reads it: psycopg takes several times as long for a list."""
    return "{" + ",".join(map(str, members)) + "}"
