"""What must hold of returns, their money and their goods; `manage.py doctor` asks."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from shops.facts.checking import Check, sentences


def units(now: datetime) -> Iterator[str]:
    """Never more units come back than were bought, nor more money than was paid for them."""
    return sentences(
        "order line {}: {} units for {} bought, its returns are about {} units for {}",
        """
        SELECT l.id, l.quantity,
            l.quantity * l.unit_price_minor - l.discount_minor
                + CASE WHEN l.is_tax_inclusive THEN 0 ELSE l.tax_minor END,
            sum(r.quantity), sum(r.amount_minor)
        FROM returns_returnline r
        JOIN returns_return c ON c.id = r.case_id AND NOT c.is_withdrawn
        JOIN orders_orderline l ON l.id = r.order_line_id
        GROUP BY l.id
        HAVING sum(r.quantity) > l.quantity OR sum(r.amount_minor) >
            l.quantity * l.unit_price_minor - l.discount_minor
                + CASE WHEN l.is_tax_inclusive THEN 0 ELSE l.tax_minor END
        ORDER BY l.id
        """,
    )


def decided(now: datetime) -> Iterator[str]:
    """What was decided to go back is what is owed, on its way or given back."""
    return sentences(
        "return {}: {} was decided, its refunds sum to {}",
        """
        SELECT c.id, c.refund_minor, coalesce(sum(r.amount_minor), 0)
        FROM returns_return c LEFT JOIN returns_returnrefund r ON r.case_id = c.id
        GROUP BY c.id HAVING c.refund_minor <> coalesce(sum(r.amount_minor), 0)
        """,
    )


def given_back(now: datetime) -> Iterator[str]:
    """A refund is noted as given back only when the payments room gave back just that."""
    return sentences(
        "refund {} of return {}: {} was noted as given back, the payments say {}",
        """
        SELECT r.id, r.case_id, r.amount_minor, coalesce(p.amount_minor::text, 'nothing')
        FROM returns_returnrefund r
        JOIN returns_return c ON c.id = r.case_id
        LEFT JOIN payments_refund p ON p.order_id = c.order_id
            AND p.source = 'return:' || r.id AND p.state = 'succeeded'
        WHERE r.state = 'paid' AND p.amount_minor IS DISTINCT FROM r.amount_minor
        """,
    )


def traces(now: datetime) -> Iterator[str]:
    """A return is where its last event left it."""
    return sentences(
        "return {} is {}, its last event says {}",
        """
        SELECT c.id, c.state, coalesce(e.to_state, 'nothing') FROM returns_return c
        LEFT JOIN LATERAL (
            SELECT to_state FROM returns_returnevent
            WHERE case_id = c.id ORDER BY id DESC LIMIT 1
        ) AS e ON true
        WHERE e.to_state IS DISTINCT FROM c.state
        """,
    )


def disputes(now: datetime) -> Iterator[str]:
    """A return is in dispute exactly when its dispute is open."""
    return sentences(
        "return {} is {}, its dispute is {}",
        """
        SELECT c.id, c.state, coalesce(d.state, 'missing') FROM returns_return c
        LEFT JOIN returns_dispute d ON d.case_id = c.id
        WHERE (c.state = 'disputed') <> coalesce(d.state IN ('open', 'answered'), false)
        """,
    )


def restocked(now: datetime) -> Iterator[str]:
    """What came back on the shelf by returns is what the stock's movements say."""
    return sentences(
        "SKU {}: returns put {} back on the shelf, the stock says {}",
        """
        SELECT sku_id, sum(back), sum(moved) FROM (
            SELECT l.sku_id, r.restocked AS back, 0 AS moved
            FROM returns_returnline r JOIN orders_orderline l ON l.id = r.order_line_id
            UNION ALL
            SELECT sku_id, 0, quantity FROM stock_stockmovement WHERE kind = 'returned'
        ) AS both_sides
        GROUP BY sku_id HAVING sum(back) <> sum(moved)
        """,
    )


CHECKS: Final[Mapping[str, Check]] = {
    "no more comes back than was bought": units,
    "what was decided is what is owed": decided,
    "what was given back went through the payments": given_back,
    "returns are where their events left them": traces,
    "in dispute ⇔ a dispute is open": disputes,
    "what is back on the shelf is in the stock": restocked,
}
