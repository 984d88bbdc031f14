"""Reads of units, holds, policies and offers."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Count, Exists, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Now

from shops.catalog.models import Product, Shop, Sku
from shops.facts.refused import NotFound
from shops.stock.models import (
    EntryState,
    Hold,
    HoldState,
    Mode,
    ReservationPolicy,
    Stock,
    WaitlistEntry,
)


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


@dataclass(frozen=True)
class Policy:
    """How a product is reserved; None: as long as HOLD_SECONDS, as many as somebody wants."""

    mode: Mode = Mode.CHECKOUT_HOLD
    hold_seconds: int | None = None
    most_per_buyer: int | None = None

    @property
    def hold_for(self) -> timedelta:
        """Say how long a hold of this product is made for."""
        return timedelta(seconds=self.hold_seconds or settings.HOLD_SECONDS)


def policies_of(*, product_ids: Iterable[int]) -> dict[int, Policy]:
    """Find how products are reserved, by product id; one without a row has the default."""
    ids = list(product_ids)
    rows = ReservationPolicy.objects.filter(product_id__in=ids)
    found = {
        row.product_id: Policy(Mode(row.mode), row.hold_seconds, row.most_per_buyer) for row in rows
    }
    return dict.fromkeys(ids, Policy()) | found


def offer_of(*, user_id: int, sku_id: int) -> WaitlistEntry | None:
    """Find the offer that a user has for a SKU and may still take by ordering `hold_id`.

    Its `offered` units are held for them until `offer_until`, by the database's clock.
    """
    return _open_offers(user_id).filter(sku_id=sku_id).first()


def offers_of(*, user_id: int) -> list[WaitlistEntry]:
    """List the offers that a user may still take, the first to end first."""
    rows = _open_offers(user_id).select_related("sku__product__shop")
    return list(rows.order_by("offer_until", "id"))


def offers_to(*, user_ids: Collection[int]) -> QuerySet[WaitlistEntry]:
    """Find what several people may still take, with SKU and product; the first to end first."""
    rows = _open_offers(*user_ids).select_related("sku__product")
    return rows.order_by("offer_until", "id")


def _open_offers(*user_ids: int) -> QuerySet[WaitlistEntry]:
    held = Hold.objects.filter(pk=OuterRef("hold_id"), state=HoldState.HELD, expires_at__gt=Now())
    return WaitlistEntry.objects.filter(Exists(held), user__in=user_ids, state=EntryState.OFFERED)


def waiting_of(*, user_id: int) -> list[WaitlistEntry]:
    """List what a user waits for, each with `ahead`: how many were there before."""
    earlier = (
        WaitlistEntry.objects.filter(
            sku_id=OuterRef("sku_id"), state=EntryState.WAITING, pk__lt=OuterRef("pk")
        )
        .order_by()
        .values("sku_id")
        .annotate(number=Count("pk"))
        .values("number")
    )
    rows = WaitlistEntry.objects.filter(user_id=user_id, state=EntryState.WAITING)
    rows = rows.select_related("sku__product__shop").annotate(ahead=Coalesce(Subquery(earlier), 0))
    return list(rows.order_by("id"))


def ended_of(*, user_id: int, most: int = 10) -> list[WaitlistEntry]:
    """List the last entries of a user that came to an end, newest first."""
    still_in = [EntryState.WAITING, EntryState.OFFERED]
    rows = WaitlistEntry.objects.filter(user_id=user_id).exclude(state__in=still_in)
    return list(rows.select_related("sku__product__shop").order_by("-id")[:most])


def waiting_for(*, sku_id: int) -> int:
    """Count how many wait for a SKU."""
    return WaitlistEntry.objects.filter(sku_id=sku_id, state=EntryState.WAITING).count()
