"""The SQL that paid orders pass: many purchases locked, read and moved in one trip each."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final, NamedTuple

from django.db import connection

from shops.facts.rows import ask
from shops.orders.models import Order, OrderState

# What it takes to move an order and to tell of it; its address and amounts stay where they are.
_NEEDED: Final = {
    *("id", "number", "purchase_id", "shop_id", "buyer_id", "state", "currency", "total_minor"),
    "paid_at",
}
# In the model's own order, as Django wants them.
_FIELDS: Final = [
    field.attname for field in Order._meta.concrete_fields if field.attname in _NEEDED
]

# The first statement waits for the purchases' locks; the others begin under them. In the order of
# ids, so that two who lock many never wait for each other.
_LOCK: Final = f"""
SELECT id FROM orders_purchase WHERE id = ANY(%(purchases)s::uuid[]) ORDER BY id FOR UPDATE;

SELECT {", ".join(_FIELDS)} FROM orders_order WHERE purchase_id = ANY(%(purchases)s::uuid[])
ORDER BY id;

SELECT o.purchase_id, l.order_id, l.referral, l.is_first_paid, l.hold_id, l.sku_id, l.quantity
FROM orders_orderline l JOIN orders_order o ON o.id = l.order_id
WHERE o.purchase_id = ANY(%(purchases)s::uuid[]) ORDER BY l.id
"""  # noqa: S608  # names of columns


class Line(NamedTuple):
    """What of a line paying it needs."""

    order_id: int
    referral: str
    is_first_paid: bool
    hold_id: uuid.UUID
    sku_id: int
    quantity: int


class Unpaid(NamedTuple):
    """A purchase under its lock; only `_NEEDED` of its orders was read."""

    orders: list[Order]
    lines: list[Line]


def lock(purchase_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Unpaid]:
    """Take the locks of purchases, then read their orders and their lines."""
    _ids, orders, lines = ask(_LOCK, {"purchases": _array(purchase_ids)})
    found: dict[uuid.UUID, Unpaid] = {}
    for row in orders:
        order = Order.from_db(connection.alias, _FIELDS, row)
        found.setdefault(order.purchase_id, Unpaid([], [])).orders.append(order)
    for purchase_id, *line in lines:
        found[purchase_id].lines.append(Line(*line))
    return found


def moving(
    order_ids: Sequence[int], *, to: OrderState, now: datetime, fields: Mapping[str, datetime]
) -> tuple[str, Mapping[str, Any]]:
    """Make what moves unpaid orders, all alike, and appends their events: a row for each.

    :param fields: by the column's name, as it stands in the code
    """
    values: dict[str, Any] = {
        **fields,
        "orders": _array(order_ids),
        "to": to.value,
        "unpaid": OrderState.UNPAID.value,
        "now": now,
    }
    return _moving(tuple(fields)), values


@cache
def _moving(times: tuple[str, ...]) -> str:
    changed = "".join(f', "{name}" = %({name})s' for name in times)
    return f"""
        WITH moved AS (
            UPDATE orders_order SET state = %(to)s{changed}
            WHERE id = ANY(%(orders)s::bigint[]) AND state = %(unpaid)s RETURNING id
        )
        INSERT INTO orders_orderevent (order_id, from_state, to_state, reason, at)
        SELECT id, %(unpaid)s, %(to)s, '', %(now)s FROM moved RETURNING id
        """  # noqa: S608  # names of columns, none of them anybody's input


def _array(items: Collection[object]) -> str:
    """Write an array as PostgreSQL reads it: a list takes psycopg several times as long."""
    return "{" + ",".join(map(str, items)) + "}"
