"""Reads of units and holds."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import Prefetch, Q, QuerySet

from shops.catalog.models import Product, Shop, Sku
from shops.facts.refused import NotFound
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


def products_with_stock(*, shop: Shop, text: str = "", status: str = "") -> QuerySet[Product]:
    """List a shop's products with all SKUs and their stock; archived ones only when asked for."""
    skus = Sku.objects.select_related("stock", "product").order_by("position", "id")
    rows = Product.objects.filter(shop=shop)
    if status in Product.Status.values:
        rows = rows.filter(status=status)
    else:
        rows = rows.exclude(status=Product.Status.ARCHIVED)
    for word in text.split()[:8]:
        rows = rows.filter(
            Q(title__icontains=word)
            | Q(pk__in=Sku.objects.filter(code__icontains=word).values("product_id"))
        )
    return rows.prefetch_related(Prefetch("skus", queryset=skus)).order_by("title", "id")


def archived_product(*, shop: Shop, product_id: str) -> Product | None:
    """Find a shop's archived product by an id from an address, if it is one."""
    if not (product_id.isascii() and product_id.isdigit() and len(product_id) < 19):
        return None
    archived = Product.objects.filter(shop=shop, status=Product.Status.ARCHIVED)
    return archived.filter(pk=product_id).first()


def sku_of(*, shop: Shop, sku_id: int) -> Sku:
    """Find a SKU of a shop with its product and stock.

    :raises NotFound: the shop has no such SKU
    """
    rows = Sku.objects.select_related("product", "stock")
    sku = rows.filter(pk=sku_id, product__shop=shop, stock__isnull=False).first()
    if sku is None:
        raise NotFound
    return sku
