"""The SQL of the mails that every order sets off."""

from collections.abc import Collection
from typing import Final

from shops.accounts.models import User
from shops.catalog.models import Shop
from shops.facts.rows import ask, ask_each, columns, joined, models
from shops.orders.models import Order, OrderLine

_ORDERS: Final = f"""
SELECT {columns(Order, "o")}, {columns(User, "u")}, {columns(Shop, "s")}
FROM orders_order o JOIN accounts_user u ON u.id = o.buyer_id
JOIN catalog_shop s ON s.id = o.shop_id WHERE o.id = ANY(%(orders)s::bigint[])
"""  # noqa: S608  # columns of models

_LINES: Final = f"""
SELECT {columns(OrderLine, "l")} FROM orders_orderline l
WHERE l.order_id = ANY(%(orders)s::bigint[]) ORDER BY l.id
"""  # noqa: S608  # columns of a model

_STAFF: Final = """
SELECT staff.shop_id, u.email FROM catalog_shopstaff staff
JOIN accounts_user u ON u.id = staff.user_id
WHERE staff.shop_id = ANY(%(shops)s::bigint[]) AND u.is_active ORDER BY u.id
"""


def orders(order_ids: Collection[int]) -> dict[int, tuple[Order, list[OrderLine]]]:
    """Find orders by id, each with its buyer, its shop and its lines."""
    wanted = {"orders": list(order_ids)}
    rows, lines = ask_each([(_ORDERS, wanted), (_LINES, wanted)])
    found: dict[int, tuple[Order, list[OrderLine]]] = {}
    for order, buyer, shop in joined(rows, Order, User, Shop):
        order.buyer, order.shop = buyer, shop
        found[order.pk] = order, []
    for line in models(OrderLine, lines):
        found[line.order_id][1].append(line)
    return found


def staff(shop_ids: Collection[int]) -> dict[int, list[str]]:
    """Find the addresses of shops' people, in the order in which they came to us."""
    [rows] = ask(_STAFF, {"shops": list(shop_ids)})
    found: dict[int, list[str]] = {shop_id: [] for shop_id in shop_ids}
    for shop_id, email in rows:
        found[shop_id].append(email)
    return found
