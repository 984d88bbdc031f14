"""The SQL of making a hold larger or smaller: the hold first, then its stock, as everywhere."""

from datetime import datetime
from uuid import UUID

from django.db import connection

from shops.stock.statements.levels import Level

# The stock's condition is looked at anew when the row had to be waited for.
_RESIZE = """
WITH chosen AS (
    SELECT id, sku_id, %(quantity)s - quantity AS more FROM stock_hold
    WHERE id = %(id)s AND state = 'held' AND expires_at > statement_timestamp()
        AND quantity <> %(quantity)s
    FOR UPDATE
), moved AS (
    UPDATE stock_stock s SET reserved = s.reserved + c.more, rev = s.rev + 1
    FROM chosen c WHERE s.sku_id = c.sku_id AND s.on_hand - s.reserved >= c.more
    RETURNING s.sku_id, s.on_hand, s.reserved, s.rev
), changed AS (
    UPDATE stock_hold h SET quantity = %(quantity)s
    FROM chosen c JOIN moved m USING (sku_id) WHERE h.id = c.id
), noted AS (
    INSERT INTO stock_stockmovement (sku_id, kind, quantity, held, hold_id, at)
    SELECT c.sku_id, CASE WHEN c.more > 0 THEN 'held' ELSE 'released' END, abs(c.more), c.more,
        c.id, %(now)s
    FROM chosen c JOIN moved m USING (sku_id)
)
SELECT m.sku_id, k.product_id, m.on_hand, m.reserved, m.rev
FROM moved m JOIN catalog_sku k ON k.id = m.sku_id
"""


def resize(*, hold_id: UUID, quantity: int, now: datetime) -> Level | None:
    """Give a held hold another quantity; None when it is not held or too few units are left."""
    with connection.cursor() as cursor:
        cursor.execute(_RESIZE, {"id": hold_id, "quantity": quantity, "now": now})
        row = cursor.fetchone()
    return Level(*row) if row else None
