"""The SQL that every order passes: written, locked, moved, in one round trip each."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from shops.catalog.models import Sku
from shops.facts.rows import ask, columns, models
from shops.orders.models import Order, OrderLine, OrderState, Purchase

Asked = tuple[str, Mapping[str, Any]]

_SKUS: Final = f"""
SELECT {columns(Sku, "sku")}, product.title, product.shop_id
FROM catalog_sku sku JOIN catalog_product product ON product.id = sku.product_id
WHERE sku.id = ANY(%(skus)s::bigint[])
"""  # noqa: S608  # columns of a model


def skus(*, sku_ids: Collection[int]) -> dict[int, tuple[Sku, str, int]]:
    """Find SKUs by id, each with its product's title and its shop."""
    [rows] = ask(_SKUS, {"skus": _array(sku_ids)})
    return {
        sku.pk: (sku, row[-2], row[-1]) for sku, row in zip(models(Sku, rows), rows, strict=True)
    }


def _array(items: Collection[object]) -> str:
    """Write an array as PostgreSQL reads it: a list takes psycopg several times as long."""
    return "{" + ",".join(map(str, items)) + "}"


# Purchases come first: they are what there can be one of for a quote.
_PURCHASES: Final = """
INSERT INTO orders_purchase (id, buyer_id, quote_id, currency, total_minor, placed_at, pay_by)
SELECT id, buyer_id, quote_id, currency, total_minor, placed_at, pay_by
FROM jsonb_to_recordset(%(purchases)s::jsonb) AS one (
    id uuid, buyer_id bigint, quote_id uuid, currency text, total_minor bigint,
    placed_at timestamptz, pay_by timestamptz)
ORDER BY quote_id
"""
_ORDERS: Final = """
WITH ordered AS (
    INSERT INTO orders_order (
        number, purchase_id, shop_id, buyer_id, state, "group", currency, goods_minor,
        discount_minor, shipping_minor, tax_minor, shipping_tax_minor, total_minor, refunded_minor,
        shipping_method, address, placed_at)
    SELECT number, purchase_id, shop_id, buyer_id, %(unpaid)s, "group", currency, goods_minor,
        discount_minor, shipping_minor, tax_minor, shipping_tax_minor, total_minor, 0,
        shipping_method, address, placed_at
    FROM ROWS FROM (jsonb_to_recordset(%(orders)s::jsonb) AS (
        number text, purchase_id uuid, shop_id bigint, buyer_id bigint, "group" text,
        currency text, goods_minor bigint, discount_minor bigint, shipping_minor bigint,
        tax_minor bigint, shipping_tax_minor bigint, total_minor bigint, shipping_method text,
        address jsonb, placed_at timestamptz
    )) WITH ORDINALITY AS one
    ORDER BY ordinality
    RETURNING id, number, placed_at
), line AS (
    INSERT INTO orders_orderline (
        order_id, sku_id, hold_id, is_first_paid, title, options_text, quantity, unit_price_minor,
        discount_minor, tax_minor, tax_bps, is_tax_inclusive, referral, fee_bps, commission_bps)
    SELECT ordered.id, sku_id, hold_id, is_first_paid, title, options_text, quantity,
        unit_price_minor, discount_minor, tax_minor, tax_bps, is_tax_inclusive, referral, fee_bps,
        commission_bps
    FROM ROWS FROM (jsonb_to_recordset(%(lines)s::jsonb) AS (
        number text, sku_id bigint, hold_id uuid, is_first_paid bool, title text,
        options_text text, quantity int, unit_price_minor bigint, discount_minor bigint,
        tax_minor bigint, tax_bps int, is_tax_inclusive bool, referral text, fee_bps int,
        commission_bps int
    )) WITH ORDINALITY AS one
    JOIN ordered USING (number)
    ORDER BY ordinality
), noted AS (
    INSERT INTO orders_orderevent (order_id, from_state, to_state, reason, at)
    SELECT id, '', %(unpaid)s, '', placed_at FROM ordered
)
SELECT number, id FROM ordered
"""


def placing(
    purchases: Sequence[Purchase],
    *,
    orders: Sequence[Mapping[str, Any]],
    lines: Sequence[Mapping[str, Any]],
) -> list[Asked]:
    """Say what writes purchases with their unpaid orders, their lines and first events.

    `orders` and `lines` name their columns; a line has the number of its order. The rows of the
    last one are the orders' numbers and ids.
    """
    bought = [
        {
            "id": one.pk,
            "buyer_id": one.buyer_id,
            "quote_id": one.quote_id,
            "currency": one.currency,
            "total_minor": one.total_minor,
            "placed_at": one.placed_at,
            "pay_by": one.pay_by,
        }
        for one in purchases
    ]
    written = {"orders": _json(orders), "lines": _json(lines), "unpaid": OrderState.UNPAID.value}
    return [(_PURCHASES, {"purchases": _json(bought)}), (_ORDERS, written)]


def _json(rows: object) -> str:
    return msgspec.json.encode(rows, enc_hook=str).decode()


_READ: Final = f"""
SELECT {columns(Order, "o")} FROM orders_order o WHERE o.id = ANY(%(orders)s::bigint[])
ORDER BY o.id
"""  # noqa: S608  # columns of a model


def read(order_ids: Sequence[int]) -> list[Order]:
    [rows] = ask(_READ, {"orders": _array(order_ids)})
    return models(Order, rows)


_FIRST_NUMBER: Final = """
SELECT number FROM orders_order WHERE purchase_id = %(purchase)s ORDER BY id LIMIT 1
"""


def first_number(purchase_id: uuid.UUID) -> str:
    [[(number,)]] = ask(_FIRST_NUMBER, {"purchase": purchase_id})
    return str(number)


# The first statement waits for the purchase's lock; the others begin under it.
_LOCK: Final = f"""
SELECT {columns(Purchase, "p")} FROM orders_purchase p WHERE p.id = %(purchase)s FOR UPDATE;

SELECT {columns(Order, "o")} FROM orders_order o WHERE o.purchase_id = %(purchase)s ORDER BY o.id;

SELECT {columns(OrderLine, "l")} FROM orders_orderline l
JOIN orders_order o ON o.id = l.order_id WHERE o.purchase_id = %(purchase)s ORDER BY l.id
"""  # noqa: S608  # columns of models


def lock(purchase_id: uuid.UUID) -> tuple[list[Order], list[OrderLine]]:
    """Take a purchase's lock, then read its orders and their lines; none when there is no such."""
    purchases, orders, lines = ask(_LOCK, {"purchase": purchase_id})
    found = models(Order, orders)
    for purchase in models(Purchase, purchases):
        for order in found:
            order.purchase = purchase
    return found, models(OrderLine, lines)


def move(
    *,
    order_id: int,
    before: OrderState,
    to: OrderState,
    reason: str,
    by_id: int | None,
    now: datetime,
    fields: Mapping[str, datetime],
) -> bool:
    """Compare-and-set an order's state with times of it, and append the event; False: it is not so.

    :param fields: by the column's name, as it stands in the code
    """
    times = "".join(f', "{name}" = %({name})s' for name in fields)
    sql = f"""
        WITH moved AS (
            UPDATE orders_order SET state = %(to)s{times}
            WHERE id = %(order)s AND state = %(before)s RETURNING id
        )
        INSERT INTO orders_orderevent (order_id, from_state, to_state, reason, by_id, at)
        SELECT id, %(before)s, %(to)s, %(reason)s, %(by)s, %(now)s FROM moved RETURNING id
        """  # noqa: S608  # names of columns, none of them anybody's input
    [rows] = ask(
        sql,
        {
            **fields,
            "order": order_id,
            "before": before.value,
            "to": to.value,
            "reason": reason,
            "by": by_id,
            "now": now,
        },
    )
    return bool(rows)
