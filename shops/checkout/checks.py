"""What must hold between quotes, what they keep, and orders; `manage.py doctor` asks."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from shops.facts.checking import Check, sentences

# The sweeper comes each minute.
_PATIENCE: Final = timedelta(minutes=5)


def open_quotes(now: datetime) -> Iterator[str]:
    """An open quote keeps what it promises; what it shares with a cart or an offer may go first."""
    return sentences(
        "quote {} promises {} of SKU {} until {:%F %T} UTC, its hold {} is {} with {}",
        """
        SELECT q.id, l.quantity, l.sku_id, q.expires_at, l.hold_id,
            coalesce(h.state, 'missing'), coalesce(h.quantity, 0)
        FROM checkout_quote q JOIN checkout_quoteline l ON l.quote_id = q.id
        LEFT JOIN stock_hold h ON h.id = l.hold_id
        WHERE q.state = 'open' AND q.expires_at > %(now)s AND l.is_held AND NOT l.is_shared
            AND (h.id IS NULL OR h.state <> 'held' OR h.quantity <> l.quantity
                OR h.sku_id <> l.sku_id OR h.expires_at < q.expires_at)
        ORDER BY q.id
        """,
        {"now": now},
    )


def overdue(now: datetime) -> Iterator[str]:
    """Quotes that ran out are closed."""
    return sentences(
        "quote {} ran out at {:%F %T} UTC and is still open",
        """
        SELECT id, expires_at FROM checkout_quote
        WHERE state = 'open' AND expires_at < %(before)s ORDER BY expires_at
        """,
        {"before": now - _PATIENCE},
    )


def closed_quotes(now: datetime) -> Iterator[str]:
    """A closed quote keeps nothing of its own."""
    return sentences(
        "quote {} is closed, its hold {} still keeps {} of SKU {}",
        """
        SELECT q.id, h.id, h.quantity, h.sku_id
        FROM checkout_quote q JOIN checkout_quoteline l ON l.quote_id = q.id
        JOIN stock_hold h ON h.id = l.hold_id
        WHERE q.state = 'closed' AND l.is_held AND NOT l.is_shared AND h.state = 'held'
        ORDER BY q.id
        """,
    )


def ordered_quotes(now: datetime) -> Iterator[str]:
    """A quote is ordered exactly when a purchase came out of it."""
    return sentences(
        "quote {} is {}, and {} purchases came out of it",
        """
        SELECT q.id, q.state, count(p.id)
        FROM checkout_quote q LEFT JOIN orders_purchase p ON p.quote_id = q.id
        GROUP BY q.id HAVING (q.state = 'ordered') <> (count(p.id) = 1)
        ORDER BY q.id
        """,
    )


CHECKS: Final[Mapping[str, Check]] = {
    "open quotes keep what they promise": open_quotes,
    "quotes that ran out are closed": overdue,
    "closed quotes keep nothing": closed_quotes,
    "ordered quotes are purchases": ordered_quotes,
}
