"""A shop's orders as CSV, a row for each line."""

import csv
import io
from collections.abc import Iterator
from typing import Any, Final

from django.db.models import QuerySet

from shops.ledger.money import Money
from shops.orders.models import Order, OrderLine

MOST_ORDERS: Final = 10_000
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
COLUMNS: Final = (
    "order",
    "state",
    "placed_at",
    "paid_at",
    "ship_by",
    "shipped_at",
    "delivered_at",
    "currency",
    "order_total",
    "order_refunded",
    "shipping_method",
    "shipping",
    "sku",
    "title",
    "options",
    "quantity",
    "unit_price",
    "line_discount",
    "line_tax",
    "full_name",
    "line1",
    "line2",
    "postal_code",
    "city",
    "region",
    "country",
    "phone",
    "carrier",
    "tracking_number",
)


def orders_csv(orders: QuerySet[Order]) -> Iterator[str]:
    """Write orders as CSV, piece by piece; amounts in the currency's units with a point.

    Addresses that the shop may not know yet are left out, and what a spreadsheet would take for a
    formula gets an apostrophe before it.
    """
    yield _row(COLUMNS)
    ids = list(orders.values_list("pk", flat=True)[:MOST_ORDERS])
    for start in range(0, len(ids), 500):
        page = ids[start : start + 500]
        found: dict[int, list[OrderLine]] = {pk: [] for pk in page}
        lines = OrderLine.objects.filter(order__in=page).select_related(
            "order", "sku", "parcel_line__parcel"
        )
        for line in lines.order_by("pk"):
            found[line.order_id].append(line)
        for group in found.values():
            for line in group:
                yield _row(_cells(line))


def _cells(line: OrderLine) -> list[str]:
    order = line.order
    address = order.seller_address
    sent = line.parcel_line.parcel if hasattr(line, "parcel_line") else None
    times = (order.placed_at, order.paid_at, order.ship_by, order.shipped_at, order.delivered_at)
    keys = ("full_name", "line1", "line2", "postal_code", "city", "region", "country", "phone")

    def money(minor: int) -> str:
        return Money(minor, order.currency).plain

    return [
        order.number,
        order.state,
        *(at.isoformat() if at else "" for at in times),
        order.currency,
        money(order.total_minor),
        money(order.refunded_minor),
        _safe(order.shipping_method),
        money(order.shipping_minor),
        _safe(line.sku.code),
        _safe(line.title),
        _safe(line.options_text),
        str(line.quantity),
        money(line.unit_price_minor),
        money(line.discount_minor),
        money(line.tax_minor),
        *(_safe(str(address.get(key, ""))) for key in keys),
        sent.carrier if sent else "",
        sent.tracking_number if sent else "",
    ]


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def _row(cells: Any) -> str:
    file = io.StringIO()
    csv.writer(file).writerow(cells)
    return file.getvalue()
