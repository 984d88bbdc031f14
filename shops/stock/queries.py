"""Reads of units and holds."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import connection

from shops.stock.models import Hold, Stock


def available(*, sku_ids: Iterable[int]) -> dict[int, int]:
    """Count the free units by SKU id; a SKU without stock has 0."""
    ids = list(sku_ids)
    rows = Stock.objects.filter(sku_id__in=ids)
    return dict.fromkeys(ids, 0) | {row.sku_id: row.available for row in rows}


def levels(*, sku_ids: Iterable[int]) -> dict[int, Stock]:
    """Find the stock rows (on_hand, reserved, available, rev) by SKU id."""
    return Stock.objects.in_bulk(list(sku_ids))


def holds(*, hold_ids: Iterable[UUID]) -> list[Hold]:
    """Find holds with their SKU and product, oldest first."""
    rows = Hold.objects.filter(id__in=list(hold_ids)).select_related("sku__product")
    return list(rows.order_by("created_at", "id"))


def database_now() -> datetime:
    """Ask the database what time it is; its clock decides which holds have run out."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now
