"""The SQL of the stock room: each change locks SKUs in key order and is one statement then.

A lock order that is the same everywhere (holds by id, then stock by SKU) leaves no deadlock.
What is counted before it is changed is locked by a statement before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection


@dataclass(frozen=True)
class Level:
    """The units of a SKU as they stand after a statement."""

    sku_id: int
    product_id: int
    on_hand: int
    reserved: int
    rev: int

    @property
    def available(self) -> int:
        return self.on_hand - self.reserved


def _interval(span: timedelta) -> str:
    """Write a time span as PostgreSQL reads it."""
    return f"{span.total_seconds()} seconds"


# Waited for in a statement of its own: the next one begins under the lock, so it counts by the rows
# as they are. One that waits and counts at once may count by an older version of a row.
_LOCK = """
SELECT sku_id FROM stock_stock WHERE sku_id = ANY(%(skus)s::bigint[]) ORDER BY sku_id FOR UPDATE
"""

# All or none: the verdict is reached with every wanted SKU locked, before the first is changed.
_RESERVE = """
WITH wanted AS (
    SELECT * FROM unnest(%(ids)s::uuid[], %(skus)s::bigint[], %(quantities)s::int[])
        AS w (hold_id, sku_id, quantity)
), demand AS (
    SELECT sku_id, sum(quantity) AS quantity FROM wanted GROUP BY sku_id
), locked AS (
    SELECT s.sku_id, s.on_hand - s.reserved AS available
    FROM stock_stock s WHERE s.sku_id IN (SELECT sku_id FROM demand)
    ORDER BY s.sku_id FOR UPDATE
), verdict AS (
    SELECT count(*) FILTER (WHERE l.available >= d.quantity) = count(*) AS is_granted
    FROM demand d LEFT JOIN locked l USING (sku_id)
), taken AS (
    UPDATE stock_stock s SET reserved = s.reserved + d.quantity, rev = s.rev + 1
    FROM demand d WHERE s.sku_id = d.sku_id AND (SELECT is_granted FROM verdict)
    RETURNING s.sku_id, s.on_hand, s.reserved, s.rev
), made AS (
    INSERT INTO stock_hold (id, sku_id, quantity, state, expires_at, created_at)
    SELECT w.hold_id, w.sku_id, w.quantity, 'held',
        statement_timestamp() + %(ttl)s::interval, statement_timestamp()
    FROM wanted w JOIN taken t USING (sku_id) ORDER BY w.hold_id
    RETURNING id
), noted AS (
    INSERT INTO stock_holdevent (hold_id, from_state, to_state, at)
    SELECT id, '', 'held', %(now)s FROM made
)
SELECT d.sku_id, k.product_id, t.on_hand, t.reserved, t.rev,
    d.quantity::int, coalesce(l.available, 0)
FROM demand d
LEFT JOIN taken t USING (sku_id)
LEFT JOIN locked l USING (sku_id)
LEFT JOIN catalog_sku k ON k.id = d.sku_id
ORDER BY d.sku_id
"""


@dataclass(frozen=True)
class Shortage:
    """A SKU of which fewer units are left than were asked for."""

    sku_id: int
    wanted: int
    left: int


def reserve(
    *, wanted: Sequence[tuple[UUID, int, int]], ttl: timedelta, now: datetime
) -> tuple[list[Level], list[Shortage]]:
    """Reserve (hold id, SKU, quantity) rows, all or none; levels are empty when it was none.

    The holds run out `ttl` from now by the database's clock.

    :raises django.db.IntegrityError: another transaction made a hold with one of the ids
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, {"skus": [row[1] for row in wanted]})
        cursor.execute(
            _RESERVE,
            {
                "ids": [row[0] for row in wanted],
                "skus": [row[1] for row in wanted],
                "quantities": [row[2] for row in wanted],
                "ttl": _interval(ttl),
                "now": now,
            },
        )
        rows = cursor.fetchall()
    short = [Shortage(row[0], row[5], row[6]) for row in rows if row[6] < row[5]]
    if short:
        return [], short
    return [Level(*row[:5]) for row in rows], []


_LET_GO = """
WITH chosen AS ({chosen}
), changed AS (
    UPDATE stock_hold h SET state = %(to)s
    FROM chosen WHERE h.id = chosen.id AND h.state = %(from)s
    RETURNING h.id, h.sku_id, h.quantity
), noted AS (
    INSERT INTO stock_holdevent (hold_id, from_state, to_state, at)
    SELECT id, %(from)s, %(to)s, %(now)s FROM changed
), demand AS (
    SELECT sku_id, sum(quantity) AS quantity, count(*) AS holds FROM changed GROUP BY sku_id
), locked AS (
    SELECT s.sku_id FROM stock_stock s WHERE s.sku_id IN (SELECT sku_id FROM demand)
    ORDER BY s.sku_id FOR UPDATE
), freed AS (
    UPDATE stock_stock s SET reserved = s.reserved - d.quantity, rev = s.rev + 1
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
# A hold that is just being committed or released is left to whoever has it.
_DUE = """
    SELECT id FROM stock_hold WHERE state = %(from)s AND expires_at <= %(due)s
    ORDER BY expires_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED"""


def let_go(
    *, hold_ids: Sequence[UUID], from_state: str, to_state: str, now: datetime
) -> tuple[list[Level], int]:
    """Move holds between two states and free their units; others are left as they are.

    Returns the changed levels and how many holds changed.
    """
    return _free(
        _LET_GO.format(chosen=_BY_ID),
        {"ids": list(hold_ids), "from": from_state, "to": to_state, "now": now},
    )


def let_go_due(
    *, due: datetime, from_state: str, to_state: str, limit: int
) -> tuple[list[Level], int]:
    """Do as `let_go` with up to `limit` holds that ran out at `due`, oldest first."""
    return _free(
        _LET_GO.format(chosen=_DUE),
        {"due": due, "from": from_state, "to": to_state, "limit": limit, "now": due},
    )


def _free(sql: str, values: dict[str, Any]) -> tuple[list[Level], int]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        rows = cursor.fetchall()
    return [Level(*row[:5]) for row in rows], sum(row[5] for row in rows)


_COMMIT = """
WITH chosen AS (
    SELECT id FROM stock_hold WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE
), changed AS (
    UPDATE stock_hold h SET state = 'committed'
    FROM chosen
    WHERE h.id = chosen.id AND h.state = 'held' AND h.expires_at > statement_timestamp()
    RETURNING h.id
), noted AS (
    INSERT INTO stock_holdevent (hold_id, from_state, to_state, at)
    SELECT id, 'held', 'committed', %(now)s FROM changed
)
SELECT id FROM changed
"""


def commit(*, hold_ids: Sequence[UUID], now: datetime) -> set[UUID]:
    """Compare-and-set held holds to committed; the database's clock says which have run out."""
    with connection.cursor() as cursor:
        cursor.execute(_COMMIT, {"ids": list(hold_ids), "now": now})
        return {row[0] for row in cursor.fetchall()}


_RENEW = """
WITH chosen AS (
    SELECT id FROM stock_hold WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE
)
UPDATE stock_hold h
SET expires_at = CASE WHEN h.expires_at < statement_timestamp() + %(below)s::interval
    THEN greatest(
        h.expires_at, least(
            h.created_at + %(cap)s::interval, statement_timestamp() + %(extension)s::interval))
    ELSE h.expires_at END
FROM chosen
WHERE h.id = chosen.id AND h.state = 'held' AND h.expires_at > statement_timestamp()
RETURNING h.id
"""


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
                "below": _interval(below),
                "extension": _interval(extension),
                "cap": _interval(cap),
            },
        )
        return {row[0] for row in cursor.fetchall()}


_COUNT = """
WITH counted AS (
    SELECT * FROM unnest(%(skus)s::bigint[], %(counts)s::int[]) AS c (sku_id, on_hand)
), locked AS (
    SELECT s.sku_id, s.on_hand, s.reserved
    FROM stock_stock s WHERE s.sku_id IN (SELECT sku_id FROM counted)
    ORDER BY s.sku_id FOR UPDATE
), changed AS (
    UPDATE stock_stock s SET on_hand = c.on_hand, rev = s.rev + 1
    FROM counted c JOIN locked l USING (sku_id)
    WHERE s.sku_id = c.sku_id AND l.on_hand <> c.on_hand AND l.reserved <= c.on_hand
    RETURNING s.sku_id, s.on_hand, s.reserved, s.rev
)
SELECT l.sku_id, k.product_id, coalesce(t.on_hand, l.on_hand), l.reserved, coalesce(t.rev, -1),
    c.on_hand
FROM locked l
JOIN counted c USING (sku_id)
LEFT JOIN changed t USING (sku_id)
JOIN catalog_sku k ON k.id = l.sku_id
ORDER BY l.sku_id
"""


def count(*, counts: dict[int, int]) -> tuple[list[Level], list[Shortage]]:
    """Set units on hand; returns the levels that changed, and the SKUs with more reserved."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, {"skus": list(counts)})
        cursor.execute(_COUNT, {"skus": list(counts), "counts": list(counts.values())})
        rows = cursor.fetchall()
    changed = [Level(*row[:5]) for row in rows if row[4] >= 0]
    refused = [Shortage(row[0], row[5], row[3]) for row in rows if row[3] > row[5]]
    return changed, refused


_ADD = """
UPDATE stock_stock s SET on_hand = s.on_hand + %(quantity)s, rev = s.rev + 1
FROM catalog_sku k
WHERE s.sku_id = %(sku)s AND k.id = s.sku_id AND s.on_hand + %(quantity)s <= %(most)s
RETURNING s.sku_id, k.product_id, s.on_hand, s.reserved, s.rev
"""


def add(*, sku_id: int, quantity: int, most: int) -> Level | None:
    """Add units on hand; None when that would make more than `most` or there is no stock row."""
    with connection.cursor() as cursor:
        cursor.execute(_ADD, {"sku": sku_id, "quantity": quantity, "most": most})
        row = cursor.fetchone()
    return Level(*row) if row else None
