"""What must hold between orders, their lines and their holds; `manage.py doctor` asks."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from shops.facts.checking import Check, sentences


def totals(now: datetime) -> Iterator[str]:
    """Orders add up: goods, discounts and taxes are those of the lines, the total is all of it.

    The tax of the shipping comes on top or is in its price; nobody wrote down which.
    """
    return sentences(
        "order {}: total {}, goods {}, discount {}, shipping {}, taxes {} and {};"
        " its lines say goods {}, discount {}, taxes {}, of which {} on top",
        """
        SELECT o.number, o.total_minor, o.goods_minor, o.discount_minor, o.shipping_minor,
            o.tax_minor, o.shipping_tax_minor, l.goods, l.discount, l.tax, l.on_top
        FROM orders_order o
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(quantity * unit_price_minor), 0) AS goods,
                coalesce(sum(discount_minor), 0) AS discount,
                coalesce(sum(tax_minor), 0) AS tax,
                coalesce(sum(tax_minor) FILTER (WHERE NOT is_tax_inclusive), 0) AS on_top
            FROM orders_orderline WHERE order_id = o.id
        ) AS l
        WHERE o.goods_minor <> l.goods OR o.discount_minor <> l.discount OR o.tax_minor <> l.tax
            OR o.total_minor - (l.goods - l.discount + o.shipping_minor + l.on_top)
                NOT IN (0, o.shipping_tax_minor)
        ORDER BY o.id
        """,
    )


def purchases(now: datetime) -> Iterator[str]:
    """A purchase is the sum of its orders."""
    return sentences(
        "purchase {}: {}, its orders sum to {}",
        """
        SELECT p.id, p.total_minor, coalesce(sum(o.total_minor), 0)
        FROM orders_purchase p LEFT JOIN orders_order o ON o.purchase_id = p.id
        GROUP BY p.id HAVING p.total_minor <> coalesce(sum(o.total_minor), 0)
        """,
    )


def states(now: datetime) -> Iterator[str]:
    """An order has an instant of payment exactly when it is in a state that comes after it."""
    return sentences(
        "order {} is {}, paid at {}",
        """
        SELECT number, state, coalesce(paid_at::text, 'no time') FROM orders_order
        WHERE (state IN ('unpaid', 'expired') AND paid_at IS NOT NULL)
            OR (state NOT IN ('unpaid', 'expired', 'cancelled') AND paid_at IS NULL)
        ORDER BY id
        """,
    )


def holds(now: datetime) -> Iterator[str]:
    """Each line's units are where its order is: kept until they are sent, free when it is over."""
    return sentences(
        "order {} is {}: its line {} ({} of SKU {}) should have a hold that is {}, it has one"
        " that is {} ({} of SKU {})",
        """
        SELECT number, state, id, quantity, sku_id, expected, found, held_quantity, held_sku
        FROM (
            SELECT o.number, o.state, l.id, l.quantity, l.sku_id,
                coalesce(h.state, 'missing') AS found, h.quantity AS held_quantity,
                h.sku_id AS held_sku,
                CASE
                    WHEN EXISTS (SELECT 1 FROM orders_parcelline p WHERE p.order_line_id = l.id)
                        THEN 'sold'
                    WHEN o.state IN ('cancelled', 'expired') OR l.cancelled_at IS NOT NULL
                        THEN 'released'
                    WHEN l.is_first_paid AND o.state = 'unpaid' THEN 'missing'
                    WHEN o.state IN ('unpaid', 'on_hold', 'awaiting_shipment', 'partially_shipped')
                        THEN 'committed'
                    ELSE 'sold'
                END AS expected,
                l.is_first_paid
            FROM orders_orderline l JOIN orders_order o ON o.id = l.order_id
            LEFT JOIN stock_hold h ON h.id = l.hold_id
        ) AS line
        WHERE (found <> expected AND NOT (
                -- Never paid, so never kept.
                is_first_paid AND expected = 'released' AND found = 'missing'))
            OR (found <> 'missing' AND (held_quantity, held_sku) <> (quantity, sku_id))
        ORDER BY id
        """,
    )


def strays(now: datetime) -> Iterator[str]:
    """Whatever is ordered or sold belongs to an order."""
    return sentences(
        "hold {} of SKU {} is {} with {}, and no order has it",
        """
        SELECT h.id, h.sku_id, h.state, h.quantity FROM stock_hold h
        WHERE h.state IN ('committed', 'sold')
            AND NOT EXISTS (SELECT 1 FROM orders_orderline l WHERE l.hold_id = h.id)
        """,
    )


CHECKS: Final[Mapping[str, Check]] = {
    "orders add up": totals,
    "purchases are the sum of their orders": purchases,
    "paid at some time ⇔ in a state after payment": states,
    "units are where their orders are": holds,
    "what is ordered has an order": strays,
}
