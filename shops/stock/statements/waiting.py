"""The SQL of the waitlist. Who calls it has locked the stock rows of the SKUs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from shops.stock.models import EntryState
from shops.stock.statements.levels import LOCK, Level, interval

_WAITED_FOR = """
SELECT k.id FROM catalog_sku k
JOIN catalog_product p ON p.id = k.product_id
JOIN catalog_shop s ON s.id = p.shop_id
WHERE k.id = ANY(%(skus)s::bigint[]) AND k.is_active AND p.status = 'active' AND s.is_active
    AND EXISTS (
        SELECT 1 FROM stock_waitlistentry e WHERE e.sku_id = k.id AND e.state = 'waiting')
"""


def waited_for(*, sku_ids: Sequence[int]) -> set[int]:
    """Tell which SKUs that are for sale somebody waits for."""
    with connection.cursor() as cursor:
        cursor.execute(_WAITED_FOR, {"skus": list(sku_ids)})
        return {row[0] for row in cursor.fetchall()}


_STRANDED = """
SELECT DISTINCT e.sku_id FROM stock_waitlistentry e
JOIN stock_stock s ON s.sku_id = e.sku_id AND s.on_hand - s.reserved >= e.quantity
JOIN catalog_sku k ON k.id = e.sku_id AND k.is_active
JOIN catalog_product p ON p.id = k.product_id AND p.status = 'active'
JOIN catalog_shop c ON c.id = p.shop_id AND c.is_active
WHERE e.state = 'waiting'
ORDER BY e.sku_id LIMIT %(limit)s
"""
_LEVELS = """
SELECT s.sku_id, k.product_id, s.on_hand, s.reserved, s.rev
FROM stock_stock s JOIN catalog_sku k ON k.id = s.sku_id
WHERE s.sku_id = ANY(%(skus)s::bigint[]) ORDER BY s.sku_id
"""


def stranded(*, limit: int) -> list[Level]:
    """Lock the stock of SKUs that somebody waits for although there is enough for them."""
    with connection.cursor() as cursor:
        cursor.execute(_STRANDED, {"limit": limit})
        skus = [row[0] for row in cursor.fetchall()]
        if not skus:
            return []
        cursor.execute(LOCK, {"skus": skus})
        cursor.execute(_LEVELS, {"skus": skus})
        return [Level(*row) for row in cursor.fetchall()]


@dataclass(frozen=True)
class Turn:
    """Somebody whose turn it is, and how many units there are for them."""

    entry_id: int
    user_id: int
    quantity: int


# Each wants at least one unit, so as many entries as units are enough.
_FIRST = """
SELECT id, user_id, quantity FROM stock_waitlistentry
WHERE sku_id = %(sku)s AND state = 'waiting'
ORDER BY id LIMIT %(units)s FOR UPDATE
"""


def turns(*, sku_id: int, units: int) -> list[Turn]:
    """Lock the first who wait for a SKU and share the units among them, first come first served."""
    found: list[Turn] = []
    with connection.cursor() as cursor:
        cursor.execute(_FIRST, {"sku": sku_id, "units": units})
        for entry_id, user_id, quantity in cursor.fetchall():
            if not units:
                break
            offered = min(quantity, units)
            units -= offered
            found.append(Turn(entry_id, user_id, offered))
    return found


_OFFER = """
WITH turn AS (
    SELECT t.*, gen_random_uuid() AS hold_id
    FROM unnest(%(entries)s::bigint[], %(users)s::bigint[], %(quantities)s::int[])
        AS t (entry_id, user_id, quantity)
), made AS (
    INSERT INTO stock_hold (id, sku_id, buyer_id, quantity, state, expires_at, created_at)
    SELECT hold_id, %(sku)s, user_id, quantity, 'held',
        statement_timestamp() + %(ttl)s::interval, statement_timestamp()
    FROM turn ORDER BY hold_id
    RETURNING id, quantity, expires_at
), noted AS (
    INSERT INTO stock_stockmovement (sku_id, kind, quantity, held, hold_id, at)
    SELECT %(sku)s, 'held', quantity, quantity, id, %(now)s FROM made
), offered AS (
    UPDATE stock_waitlistentry e
    SET state = 'offered', hold_id = t.hold_id, offered = t.quantity, offer_until = m.expires_at
    FROM turn t JOIN made m ON m.id = t.hold_id
    WHERE e.id = t.entry_id AND e.state = 'waiting'
    RETURNING e.id, e.offer_until
), told AS (
    INSERT INTO stock_waitlistevent (entry_id, from_state, to_state, at)
    SELECT id, 'waiting', 'offered', %(now)s FROM offered
), taken AS (
    UPDATE stock_stock s SET reserved = s.reserved + (SELECT sum(quantity) FROM made),
        rev = s.rev + 1
    WHERE s.sku_id = %(sku)s
    RETURNING s.on_hand, s.reserved, s.rev
)
SELECT o.id, o.offer_until, t.on_hand, t.reserved, t.rev FROM offered o CROSS JOIN taken t
"""


def offer(
    *, level: Level, turns: Sequence[Turn], ttl: timedelta, now: datetime
) -> tuple[Level, dict[int, datetime]]:
    """Keep units for those whose turn it is; returns the level, and until when by entry."""
    with connection.cursor() as cursor:
        cursor.execute(
            _OFFER,
            {
                "sku": level.sku_id,
                "entries": [turn.entry_id for turn in turns],
                "users": [turn.user_id for turn in turns],
                "quantities": [turn.quantity for turn in turns],
                "ttl": interval(ttl),
                "now": now,
            },
        )
        rows = cursor.fetchall()
    on_hand, reserved, rev = rows[0][2:]
    after = Level(level.sku_id, level.product_id, on_hand, reserved, rev)
    return after, {row[0]: row[1] for row in rows}


@dataclass(frozen=True)
class Ended:
    """An entry that came to an end."""

    entry_id: int
    user_id: int
    sku_id: int
    product_id: int


_END = """
WITH ended AS (
    UPDATE stock_waitlistentry e SET state = %(to)s
    FROM catalog_sku k
    WHERE k.id = e.sku_id AND {which}
    RETURNING e.id, e.user_id, e.sku_id, k.product_id
), told AS (
    INSERT INTO stock_waitlistevent (entry_id, from_state, to_state, at)
    SELECT id, %(from)s, %(to)s, %(now)s FROM ended
)
SELECT * FROM ended ORDER BY id
"""
_ONE = "e.id = %(entry)s AND e.state = %(from)s"
# Only the transaction that expired a hold sees it expired with its offer still open.
_RAN_OUT = """e.sku_id = ANY(%(skus)s::bigint[]) AND e.state = 'offered' AND EXISTS (
        SELECT 1 FROM stock_hold h WHERE h.id = e.hold_id AND h.state = 'expired')"""


def end(
    *, entry_id: int, from_state: EntryState, to_state: EntryState, now: datetime
) -> list[Ended]:
    """Compare-and-set an entry's state."""
    values = {"entry": entry_id, "from": from_state.value, "to": to_state.value, "now": now}
    return _end(_END.format(which=_ONE), values)


def end_ran_out(*, sku_ids: Iterable[int], now: datetime) -> list[Ended]:
    """End the offers whose holds this transaction has expired."""
    values = {
        "skus": list(sku_ids),
        "from": EntryState.OFFERED.value,
        "to": EntryState.EXPIRED.value,
        "now": now,
    }
    return _end(_END.format(which=_RAN_OUT), values)


def _end(sql: str, values: dict[str, Any]) -> list[Ended]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return [Ended(*row) for row in cursor.fetchall()]
