"""What must hold between stock, movements, holds and the waitlist; `manage.py doctor` asks."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from shops.facts.checking import Check, sentences

# The sweeper comes each minute.
_PATIENCE: Final = timedelta(minutes=5)


def movements(now: datetime) -> Iterator[str]:
    """The stock of each SKU is the sum of its movements."""
    return sentences(
        "SKU {}: {} on hand and {} reserved, its movements add up to {} and {}",
        """
        SELECT coalesce(s.sku_id, m.sku_id), coalesce(s.on_hand, 0), coalesce(s.reserved, 0),
            coalesce(m.on_hand, 0), coalesce(m.reserved, 0)
        FROM stock_stock s
        FULL JOIN (
            SELECT sku_id, sum(on_hand) AS on_hand, sum(held + committed) AS reserved
            FROM stock_stockmovement GROUP BY sku_id
        ) AS m ON m.sku_id = s.sku_id
        WHERE (coalesce(s.on_hand, 0), coalesce(s.reserved, 0))
            <> (coalesce(m.on_hand, 0), coalesce(m.reserved, 0))
        ORDER BY 1
        """,
    )


def reserved(now: datetime) -> Iterator[str]:
    """What is reserved of each SKU is what its held and committed holds sum to."""
    return sentences(
        "SKU {}: {} reserved, its holds keep {} held and {} ordered",
        """
        SELECT coalesce(s.sku_id, h.sku_id), coalesce(s.reserved, 0), coalesce(h.held, 0),
            coalesce(h.committed, 0)
        FROM stock_stock s
        FULL JOIN (
            SELECT sku_id, sum(quantity) FILTER (WHERE state = 'held') AS held,
                sum(quantity) FILTER (WHERE state = 'committed') AS committed
            FROM stock_hold WHERE state IN ('held', 'committed') GROUP BY sku_id
        ) AS h ON h.sku_id = s.sku_id
        WHERE coalesce(s.reserved, 0) <> coalesce(h.held, 0) + coalesce(h.committed, 0)
        ORDER BY 1
        """,
    )


def bounds(now: datetime) -> Iterator[str]:
    """Nothing is oversold: 0 ≤ reserved ≤ on hand."""
    return sentences(
        "SKU {}: {} reserved of {} on hand",
        """
        SELECT sku_id, reserved, on_hand FROM stock_stock
        WHERE reserved < 0 OR reserved > on_hand ORDER BY sku_id
        """,
    )


def histories(now: datetime) -> Iterator[str]:
    """The movements of each hold lead to the state that it is in."""
    return sentences(
        "hold {} of {} is {}, its movements say {} held, {} ordered, {} on hand",
        """
        SELECT h.id, h.quantity, h.state, coalesce(m.held, 0), coalesce(m.committed, 0),
            coalesce(m.on_hand, 0)
        FROM stock_hold h
        LEFT JOIN (
            SELECT hold_id, sum(held) AS held, sum(committed) AS committed,
                sum(on_hand) AS on_hand, count(*) AS moves
            FROM stock_stockmovement WHERE hold_id IS NOT NULL GROUP BY hold_id
        ) AS m ON m.hold_id = h.id
        WHERE m.moves IS NULL
            OR m.held <> CASE h.state WHEN 'held' THEN h.quantity ELSE 0 END
            OR m.committed <> CASE h.state WHEN 'committed' THEN h.quantity ELSE 0 END
            OR m.on_hand <> CASE h.state WHEN 'sold' THEN -h.quantity ELSE 0 END
        """,
    )


def overdue(now: datetime) -> Iterator[str]:
    """Holds that ran out are swept."""
    return sentences(
        "hold {} of SKU {} ran out at {:%F %T} UTC and still keeps {}",
        """
        SELECT id, sku_id, expires_at, quantity FROM stock_hold
        WHERE state = 'held' AND expires_at < %(before)s ORDER BY expires_at
        """,
        {"before": now - _PATIENCE},
    )


def offers(now: datetime) -> Iterator[str]:
    """Each offer of the waitlist has a hold of its own that keeps just what was offered."""
    return sentences(
        "waitlist entry {} of user {}: {} offered, its hold {} is {} with {} for user {}",
        """
        SELECT e.id, e.user_id, e.offered, e.hold_id, coalesce(h.state, 'missing'),
            coalesce(h.quantity, 0), h.buyer_id
        FROM stock_waitlistentry e LEFT JOIN stock_hold h ON h.id = e.hold_id
        WHERE e.state = 'offered' AND (
            h.id IS NULL OR h.state <> 'held' OR h.quantity <> e.offered
            OR h.sku_id <> e.sku_id OR h.buyer_id IS DISTINCT FROM e.user_id)
        ORDER BY e.id
        """,
    )


def ended_offers(now: datetime) -> Iterator[str]:
    """An offer that is over keeps nothing; one that was taken was ordered."""
    return sentences(
        "waitlist entry {} is {}, its hold {} is {}",
        """
        SELECT e.id, e.state, e.hold_id, h.state
        FROM stock_waitlistentry e JOIN stock_hold h ON h.id = e.hold_id
        WHERE (e.state IN ('declined', 'expired', 'left')
                AND h.state NOT IN ('released', 'expired'))
            OR (e.state = 'taken' AND h.state IN ('held', 'expired'))
        ORDER BY e.id
        """,
    )


def waiting(now: datetime) -> Iterator[str]:
    """Nobody waits beside free units."""
    return sentences(
        "user {} waits for {} of SKU {}, of which {} are free (entry {})",
        """
        SELECT e.user_id, e.quantity, e.sku_id, s.on_hand - s.reserved, e.id
        FROM stock_waitlistentry e JOIN stock_stock s ON s.sku_id = e.sku_id
        JOIN catalog_sku k ON k.id = e.sku_id AND k.is_active
        JOIN catalog_product p ON p.id = k.product_id AND p.status = 'active'
        JOIN catalog_shop c ON c.id = p.shop_id AND c.is_active
        WHERE e.state = 'waiting' AND s.on_hand - s.reserved >= e.quantity
            AND e.joined_at < %(before)s
        ORDER BY e.id
        """,
        {"before": now - _PATIENCE},
    )


CHECKS: Final[Mapping[str, Check]] = {
    "stock is the sum of its movements": movements,
    "reserved is what holds keep": reserved,
    "0 ≤ reserved ≤ on hand": bounds,
    "holds are where their movements lead": histories,
    "holds that ran out are swept": overdue,
    "offers are holds": offers,
    "offers that are over keep nothing": ended_offers,
    "nobody waits beside free units": waiting,
}
