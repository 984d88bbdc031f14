"""The SQL of units that come and go without a buyer; each change writes its movements."""

from datetime import datetime

from django.db import connection

from shops.stock.models import Kind
from shops.stock.statements.levels import LOCK, Level, Shortage

_OPEN = """
WITH made AS (
    INSERT INTO stock_stock (sku_id, on_hand, reserved, rev)
    SELECT * FROM (
        SELECT c.sku_id, c.on_hand, 0, 0
        FROM unnest(%(skus)s::bigint[], %(counts)s::int[]) AS c (sku_id, on_hand)
        ORDER BY c.sku_id
    ) AS counted
    ON CONFLICT DO NOTHING
    RETURNING sku_id, on_hand
), noted AS (
    INSERT INTO stock_stockmovement (sku_id, kind, quantity, on_hand, actor_id, reason, at)
    SELECT sku_id, 'opening', on_hand, on_hand, %(actor)s, %(reason)s, %(now)s
    FROM made WHERE on_hand > 0
)
SELECT count(*) FROM made
"""


def open_books(*, counts: dict[int, int], now: datetime, actor_id: int | None, reason: str) -> int:
    """Make the stock rows that are not there yet; returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            _OPEN,
            {
                "skus": list(counts),
                "counts": list(counts.values()),
                "now": now,
                "actor": actor_id,
                "reason": reason,
            },
        )
        made: int = cursor.fetchone()[0]
    return made


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
    RETURNING s.sku_id, s.on_hand, s.reserved, s.rev, s.on_hand - l.on_hand AS more
), noted AS (
    INSERT INTO stock_stockmovement (sku_id, kind, quantity, on_hand, actor_id, reason, at)
    SELECT sku_id, 'corrected', abs(more), more, %(actor)s, %(reason)s, %(now)s FROM changed
)
SELECT l.sku_id, k.product_id, coalesce(t.on_hand, l.on_hand), l.reserved, coalesce(t.rev, -1),
    c.on_hand
FROM locked l
JOIN counted c USING (sku_id)
LEFT JOIN changed t USING (sku_id)
JOIN catalog_sku k ON k.id = l.sku_id
ORDER BY l.sku_id
"""


def count(
    *, counts: dict[int, int], now: datetime, actor_id: int | None, reason: str
) -> tuple[list[Level], list[Shortage]]:
    """Set units on hand; returns the levels that changed, and the SKUs with more reserved."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK, {"skus": list(counts)})
        cursor.execute(
            _COUNT,
            {
                "skus": list(counts),
                "counts": list(counts.values()),
                "now": now,
                "actor": actor_id,
                "reason": reason,
            },
        )
        rows = cursor.fetchall()
    changed = [Level(*row[:5]) for row in rows if row[4] >= 0]
    refused = [Shortage(row[0], row[5], row[3]) for row in rows if row[3] > row[5]]
    return changed, refused


_ADD = """
WITH changed AS (
    UPDATE stock_stock s SET on_hand = s.on_hand + %(more)s, rev = s.rev + 1
    FROM catalog_sku k
    WHERE s.sku_id = %(sku)s AND k.id = s.sku_id
        AND s.on_hand + %(more)s BETWEEN s.reserved AND %(most)s
    RETURNING s.sku_id, k.product_id, s.on_hand, s.reserved, s.rev
), noted AS (
    INSERT INTO stock_stockmovement
        (sku_id, kind, quantity, on_hand, actor_id, reason, undoes_id, at)
    SELECT sku_id, %(kind)s, abs(%(more)s), %(more)s, %(actor)s, %(reason)s, %(undoes)s, %(now)s
    FROM changed
)
SELECT * FROM changed
"""


def add(
    *,
    sku_id: int,
    more: int,
    most: int,
    kind: Kind,
    now: datetime,
    actor_id: int | None,
    reason: str,
    undoes_id: int | None = None,
) -> Level | None:
    """Add units on hand (or take some away, for a correction).

    None when that would make more than `most` or fewer than are reserved, or there is no stock row.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _ADD,
            {
                "sku": sku_id,
                "more": more,
                "most": most,
                "kind": kind.value,
                "actor": actor_id,
                "reason": reason,
                "undoes": undoes_id,
                "now": now,
            },
        )
        row = cursor.fetchone()
    return Level(*row) if row else None
