"""From read products to the catalogue: what differs is written, what is the same is left alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.text import format_lazy, slugify
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from shops.catalog.models import Category, Product, ProductImage, Shop, Sku
from shops.catalog.services import archive_product
from shops.feeds.parsing import FeedImage, FeedProduct, FeedSku, RowError
from shops.stock.models import Stock
from shops.stock.services import BelowReserved, set_on_hand


@dataclass
class Counts:
    created: int = 0
    updated: int = 0
    unchanged: int = 0


@dataclass(frozen=True)
class _Known:
    """A product as it is in the catalogue, with its SKUs by options, units and pictures."""

    product: Product
    skus: Mapping[tuple[str, ...], Sku]
    stock: Mapping[int, Stock]
    images: Sequence[ProductImage]


def _fields(wanted: FeedProduct, category_id: int | None) -> dict[str, object]:
    return {
        "title": wanted.title,
        "description_html": wanted.description_html,
        "vendor": wanted.vendor,
        "category_id": category_id,
        "tags": wanted.tags,
        "option_names": wanted.option_names,
        "status": wanted.status,
    }


def _sku_fields(wanted: FeedSku, position: int, currency: str) -> dict[str, object]:
    return {
        "code": wanted.code,
        "price_minor": wanted.price_minor,
        "compare_at_minor": wanted.compare_at_minor,
        "currency": currency,
        "barcode": wanted.barcode,
        "grams": wanted.grams,
        "position": position,
        "is_active": True,
    }


def _set(row: Product | Sku, fields: Mapping[str, object]) -> list[str]:
    """Set what differs; returns the names of the fields that did."""
    changed = [name for name, value in fields.items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, fields[name])
    return changed


def _image_key(image: ProductImage) -> tuple[int, str, str, str]:
    return image.position, image.source_url, image.static_path, image.alt


def _images(product: Product, wanted: Iterable[FeedImage]) -> list[ProductImage]:
    return [
        ProductImage(
            product=product,
            position=position,
            source_url=image.source,
            static_path=image.static_path,
            alt=image.alt,
        )
        for position, image in enumerate(wanted, start=1)
    ]


@transaction.atomic
def apply_batch(
    *, shop: Shop, products: Sequence[FeedProduct], now: datetime, dry_run: bool
) -> tuple[Counts, list[RowError]]:
    """Create or update products of a shop, each whole or not at all; errors name refused ones.

    Two imports into one shop take turns. A product's units are refused below what is reserved.
    """
    if not dry_run:
        Shop.objects.select_for_update(no_key=True).get(pk=shop.pk)
    known = _find(shop, [product.handle for product in products])
    if not dry_run:
        _lock(known, products)
    categories = _categories()
    counts, errors, new = Counts(), [], []
    for wanted in products:
        category_id = categories.get(slugify(wanted.type))
        old = known.get(wanted.handle)
        if old is None:
            new.append((wanted, category_id))
            counts.created += 1
            continue
        error = _reserved(old, wanted)
        if error is not None:
            errors.append(error)
            continue
        try:
            with transaction.atomic():
                changed = _update(shop, old, wanted, category_id, now=now, dry_run=dry_run)
        except BelowReserved as refused:
            errors.append(RowError(wanted.line, wanted.handle, _QUANTITY, str(refused)))
            continue
        if changed:
            counts.updated += 1
        else:
            counts.unchanged += 1
    if new and not dry_run:
        _create(shop, new, now=now)
    return counts, errors


def _lock(known: Mapping[str, _Known], products: Sequence[FeedProduct]) -> None:
    """Take what will be written in key order, products before stock, whatever the feed's order.

    Buyers take stock in that order, too, and sellers who edit a product take it first.
    """
    ids = [one.product.pk for one in known.values()]
    list(Product.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk"))
    counted = [
        stock.pk
        for product in products
        if (old := known.get(product.handle)) is not None
        for sku in product.skus
        if (row := old.skus.get(sku.options)) is not None
        and (stock := old.stock.get(row.pk)) is not None
        and stock.on_hand != sku.on_hand
    ]
    list(Stock.objects.select_for_update().filter(pk__in=counted).order_by("pk"))


_QUANTITY = "Variant Inventory Qty"


def _reserved(old: _Known, wanted: FeedProduct) -> RowError | None:
    for sku in wanted.skus:
        row = old.skus.get(sku.options)
        stock = old.stock.get(row.pk) if row is not None else None
        if stock is not None and sku.on_hand < stock.reserved:
            reason = format_lazy(
                _("{reserved} units are reserved or ordered; there can't be just {on_hand}"),
                reserved=stock.reserved,
                on_hand=sku.on_hand,
            )
            return RowError(sku.line, wanted.handle, _QUANTITY, reason)
    return None


def _categories() -> dict[str, int]:
    return dict(Category.objects.values_list("slug", "id"))


def _find(shop: Shop, handles: Sequence[str]) -> dict[str, _Known]:
    """Find the products with these handles and all that belongs to them, in four queries."""
    products = {
        product.pk: product for product in Product.objects.filter(shop=shop, handle__in=handles)
    }
    skus: dict[int, dict[tuple[str, ...], Sku]] = {pk: {} for pk in products}
    for sku in Sku.objects.filter(product_id__in=products):
        skus[sku.product_id][tuple(sku.options)] = sku
    stock: dict[int, dict[int, Stock]] = {pk: {} for pk in products}
    for row in Stock.objects.filter(sku__product_id__in=products).select_related("sku"):
        stock[row.sku.product_id][row.pk] = row
    images: dict[int, list[ProductImage]] = {pk: [] for pk in products}
    for image in ProductImage.objects.filter(product_id__in=products).order_by("position", "id"):
        images[image.product_id].append(image)
    return {
        product.handle: _Known(product, skus[pk], stock[pk], images[pk])
        for pk, product in products.items()
    }


def _create(shop: Shop, new: Sequence[tuple[FeedProduct, int | None]], *, now: datetime) -> None:
    products = Product.objects.bulk_create(
        Product(shop=shop, handle=wanted.handle, updated_at=now, **_fields(wanted, category_id))
        for wanted, category_id in new
    )
    skus, counts = [], []
    images: list[ProductImage] = []
    for product, (wanted, _category) in zip(products, new, strict=True):
        for position, sku in enumerate(wanted.skus, start=1):
            fields = _sku_fields(sku, position, shop.currency)
            skus.append(Sku(product=product, options=list(sku.options), **fields))
            counts.append(sku.on_hand)
        images += _images(product, wanted.images)
    made = Sku.objects.bulk_create(skus)
    ProductImage.objects.bulk_create(images)
    first = {sku.pk: units for sku, units in zip(made, counts, strict=True)}
    set_on_hand(counts=first, now=now, reason=gettext("Product feed"))


def _update(
    shop: Shop,
    old: _Known,
    wanted: FeedProduct,
    category_id: int | None,
    *,
    now: datetime,
    dry_run: bool,
) -> bool:
    """Bring a product to what the feed says; False when it was so already."""
    product = old.product
    fields = _fields(wanted, category_id)
    # Taking off sale tells the shows; the catalogue's own service does it.
    is_archived = wanted.status == Product.Status.ARCHIVED != product.status
    if is_archived:
        del fields["status"]
    changed = _set(product, fields)
    touched = bool(changed) or is_archived

    new: list[tuple[Sku, int]] = []
    edited: list[Sku] = []
    counts: dict[int, int] = {}
    for position, sku in enumerate(wanted.skus, start=1):
        values = _sku_fields(sku, position, shop.currency)
        row = old.skus.get(sku.options)
        if row is None:
            new.append((Sku(product=product, options=list(sku.options), **values), sku.on_hand))
            continue
        if _set(row, values):
            edited.append(row)
        stock = old.stock.get(row.pk)
        if stock is None or stock.on_hand != sku.on_hand:
            counts[row.pk] = sku.on_hand
    kept = {sku.options for sku in wanted.skus}
    for options, row in old.skus.items():
        if options not in kept and row.is_active:
            row.is_active = False
            edited.append(row)
    images = _images(product, wanted.images)
    new_images = [_image_key(one) for one in images] != [_image_key(one) for one in old.images]
    touched = touched or bool(new or edited or counts) or new_images
    if dry_run or not touched:
        return touched

    product.updated_at = now
    product.save(update_fields=[*changed, "updated_at"])
    Sku.objects.bulk_update(
        edited,
        "code price_minor compare_at_minor currency barcode grams position is_active".split(),
    )
    for sku_row, units in new:
        sku_row.save()
        counts[sku_row.pk] = units
    if new_images:
        ProductImage.objects.filter(product=product).delete()
        ProductImage.objects.bulk_create(images)
    set_on_hand(counts=counts, now=now, reason=gettext("Product feed"))
    if is_archived:
        archive_product(product_id=product.pk, now=now)
    return True
