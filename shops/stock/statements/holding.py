"""The SQL of holds: each change, with its movements, is one statement.

A lock order that is the same everywhere (holds by id, then stock by SKU, then the waitlist) leaves
no deadlock.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection

from shops.facts.rows import ask
from shops.stock.models import HoldState, Kind
from shops.stock.statements.levels import Level, interval


@dataclass(frozen=True)
class Step:
    """A move of holds between two states: the kind of movement, what it does to each figure."""

    from_state: HoldState
    to_state: HoldState
    kind: Kind
    on_hand: int = 0
    held: int = 0
    committed: int = 0


RELEASE: Final = Step(HoldState.HELD, HoldState.RELEASED, Kind.RELEASED, held=-1)
EXPIRE: Final = Step(HoldState.HELD, HoldState.EXPIRED, Kind.EXPIRED, held=-1)
FREE: Final = Step(HoldState.COMMITTED, HoldState.RELEASED, Kind.FREED, committed=-1)
SELL: Final = Step(HoldState.COMMITTED, HoldState.SOLD, Kind.SOLD, on_hand=-1, committed=-1)

_LET_GO = """
WITH chosen AS ({chosen}
), changed AS (
    UPDATE stock_hold h SET state = %(to)s
    FROM chosen WHERE h.id = chosen.id AND h.state = %(from)s
    RETURNING h.id, h.sku_id, h.quantity
), noted AS (
    INSERT INTO stock_stockmovement
        (sku_id, kind, quantity, on_hand, held, committed, hold_id, actor_id, at)
    SELECT sku_id, %(kind)s, quantity, quantity * %(on_hand)s, quantity * %(held)s,
        quantity * %(committed)s, id, %(actor)s, %(now)s
    FROM changed
), demand AS (
    SELECT sku_id, sum(quantity) AS quantity, count(*) AS holds FROM changed GROUP BY sku_id
), locked AS (
    SELECT s.sku_id FROM stock_stock s WHERE s.sku_id IN (SELECT sku_id FROM demand)
    ORDER BY s.sku_id FOR UPDATE
), freed AS (
    UPDATE stock_stock s SET on_hand = s.on_hand + d.quantity * %(on_hand)s,
        reserved = s.reserved - d.quantity, rev = s.rev + 1
    FROM demand d JOIN locked USING (sku_id) WHERE s.sku_id = d.sku_id
    RETURNING s.sku_id, s.on_hand, s.reserved, s.rev
)
SELECT f.sku_id, k.product_id, f.on_hand, f.reserved, f.rev, d.holds
FROM freed f JOIN demand d USING (sku_id) JOIN catalog_sku k ON k.id = f.sku_id
ORDER BY f.sku_id
"""
_BY_ID = """
    SELECT id FROM stock_hold WHERE id = ANY(%(ids)s::uuid[]) AND state = %(from)s
    ORDER BY id FOR UPDATE"""
# What the waitlist offers to somebody ends with the offer, whatever checkout does in between.
_BY_ID_BUT_OFFERS = """
    SELECT id FROM stock_hold WHERE id = ANY(%(ids)s::uuid[]) AND state = %(from)s
        AND NOT EXISTS (
            SELECT 1 FROM stock_waitlistentry e WHERE e.hold_id = stock_hold.id
                AND e.state = 'offered')
    ORDER BY id FOR UPDATE"""
# A hold that is just being committed or released is left to whoever has it.
_DUE = """
    SELECT id FROM stock_hold WHERE state = %(from)s AND expires_at <= %(due)s
    ORDER BY expires_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED"""


def let_go(
    *,
    hold_ids: Sequence[UUID],
    step: Step,
    now: datetime,
    actor_id: int | None = None,
    keeps_offers: bool = False,
) -> tuple[list[Level], int]:
    """Take a step with holds that are where it begins, and with their units; others stay.

    With `keeps_offers`, the waitlist's offers stay, too. Returns the changed levels and how many
    holds changed.
    """
    chosen = _BY_ID_BUT_OFFERS if keeps_offers else _BY_ID
    return _free(
        _LET_GO.format(chosen=chosen), step, {"ids": list(hold_ids), "actor": actor_id, "now": now}
    )


def let_go_due(*, due: datetime, step: Step, limit: int) -> tuple[list[Level], int]:
    """Do as `let_go` with up to `limit` holds that ran out at `due`, oldest first."""
    return _free(
        _LET_GO.format(chosen=_DUE), step, {"due": due, "limit": limit, "actor": None, "now": due}
    )


def _free(sql: str, step: Step, values: dict[str, Any]) -> tuple[list[Level], int]:
    with connection.cursor() as cursor:
        cursor.execute(
            sql,
            values
            | {
                "from": step.from_state.value,
                "to": step.to_state.value,
                "kind": step.kind.value,
                "on_hand": step.on_hand,
                "held": step.held,
                "committed": step.committed,
            },
        )
        rows = cursor.fetchall()
    return [Level(*row[:5]) for row in rows], sum(row[5] for row in rows)


# What has less time left than `below` gets more, but for what was kept for so long already.
_MORE_TIME: Final = """
    expires_at = CASE WHEN h.expires_at < statement_timestamp() + %(below)s::interval
        THEN greatest(
            h.expires_at, least(
                h.created_at + %(cap)s::interval, statement_timestamp() + %(extension)s::interval))
        ELSE h.expires_at END"""
_COMMIT = f"""
WITH chosen AS (
    SELECT id FROM stock_hold WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE
), changed AS (
    UPDATE stock_hold h SET state = 'committed', {_MORE_TIME}
    FROM chosen
    WHERE h.id = chosen.id AND h.state = 'held' AND h.expires_at > statement_timestamp()
    RETURNING h.id, h.sku_id, h.quantity
), noted AS (
    INSERT INTO stock_stockmovement (sku_id, kind, quantity, held, committed, hold_id, at)
    SELECT sku_id, 'committed', quantity, -quantity, quantity, id, %(now)s FROM changed
), taken AS (
    UPDATE stock_waitlistentry e SET state = 'taken'
    FROM changed WHERE e.hold_id = changed.id AND e.state = 'offered'
    RETURNING e.id, e.hold_id
), told AS (
    INSERT INTO stock_waitlistevent (entry_id, from_state, to_state, at)
    SELECT id, 'offered', 'taken', %(now)s FROM taken
)
SELECT changed.id, taken.id FROM changed LEFT JOIN taken ON taken.hold_id = changed.id
"""  # noqa: S608  # nobody's input


def commit(
    *,
    hold_ids: Sequence[UUID],
    below: timedelta,
    extension: timedelta,
    cap: timedelta,
    now: datetime,
) -> tuple[set[UUID], list[int]]:
    """Compare-and-set held holds to committed; the database's clock says which have run out.

    Those with less than `below` left get `extension` more, as by `renew`.
    Returns the holds and the waitlist's entries whose offers are taken with them.
    """
    [rows] = ask(
        _COMMIT,
        {
            "ids": list(hold_ids),
            "below": interval(below),
            "extension": interval(extension),
            "cap": interval(cap),
            "now": now,
        },
    )
    return {row[0] for row in rows}, [row[1] for row in rows if row[1] is not None]


_RENEW = f"""
WITH chosen AS (
    SELECT id FROM stock_hold WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE
)
UPDATE stock_hold h
SET {_MORE_TIME}
FROM chosen
WHERE h.id = chosen.id AND h.state = 'held' AND h.expires_at > statement_timestamp()
RETURNING h.id
"""  # noqa: S608  # nobody's input


def renew(
    *, hold_ids: Sequence[UUID], below: timedelta, extension: timedelta, cap: timedelta
) -> set[UUID]:
    """Give holds with less than `below` left `extension` more, at most `cap` after they began.

    Returns those that are still held, whether they needed more time or not.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _RENEW,
            {
                "ids": list(hold_ids),
                "below": interval(below),
                "extension": interval(extension),
                "cap": interval(cap),
            },
        )
        return {row[0] for row in cursor.fetchall()}
