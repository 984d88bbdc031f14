"""From rows to products: pure, no database.

A product is all its rows with the same Handle, which must follow one another. One bad row rejects
its whole product, since a product without one of its variants or with a wrong price is worse than
one that stays as it was; the other products of the file are taken.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from itertools import groupby
from typing import Final

import nh3
from django.contrib.staticfiles import finders
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from shops.catalog.models import Product
from shops.catalog.services import MOST_PRICE_MINOR
from shops.feeds.reading import Row
from shops.ledger.money import parse_minor
from shops.stock.services import MOST_ON_HAND

MOST_VARIANTS: Final = 2048  # as Shopify
MOST_IMAGES: Final = 250
MOST_GRAMS: Final = 10_000_000
_HANDLE: Final = re.compile(r"[^\s/?#%\\\x00-\x1f\x7f]+")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
# A picture of our own: "static:" and its path below /static/.
STATIC: Final = "static:"
_STATIC_PATH: Final = re.compile(r"liveshop/(?:[a-z0-9_-]+/)*[a-z0-9_-]+\.(?:svg|webp|png|jpg)")
_HTTPS: Final = re.compile(r"https://[^\s\"'<>\\]+", re.IGNORECASE)
_STATUS: Final = {
    "active": Product.Status.ACTIVE,
    "draft": Product.Status.DRAFT,
    "archived": Product.Status.ARCHIVED,
}
_PUBLISHED: Final = {
    "": Product.Status.ACTIVE,
    "true": Product.Status.ACTIVE,
    "false": Product.Status.DRAFT,
}
_OPTIONS: Final = (1, 2, 3)


@dataclass(frozen=True)
class RowError:
    line: int
    handle: str
    column: str
    reason: str | Promise


@dataclass(frozen=True)
class FeedSku:
    line: int
    options: tuple[str, ...]
    code: str
    price_minor: int
    compare_at_minor: int | None
    on_hand: int
    grams: int
    barcode: str


@dataclass(frozen=True)
class FeedImage:
    source: str
    alt: str

    @property
    def static_path(self) -> str:
        return self.source.removeprefix(STATIC) if self.source.startswith(STATIC) else ""


@dataclass
class FeedProduct:
    """A product as the feed describes it; with errors it is not to be taken."""

    handle: str
    line: int
    title: str = ""
    description_html: str = ""
    vendor: str = ""
    type: str = ""
    tags: list[str] = field(default_factory=list)
    option_names: list[str] = field(default_factory=list)
    status: str = Product.Status.ACTIVE
    skus: list[FeedSku] = field(default_factory=list)
    images: list[FeedImage] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)

    def refuse(self, row: Row, column: str, reason: str | Promise) -> None:
        self.errors.append(RowError(row.line, self.handle, column, reason))


def read_products(rows: Iterable[Row], *, currency: str) -> Iterator[FeedProduct]:
    """Group rows into products and read them; one product is in memory at a time."""
    for handle, group in groupby(rows, key=lambda row: row["Handle"]):
        yield _read_product(handle, group, currency=currency)


def _read_product(handle: str, rows: Iterator[Row], *, currency: str) -> FeedProduct:
    first = next(rows)
    product = FeedProduct(handle=handle[:255], line=first.line)
    if not handle:
        product.refuse(first, "Handle", _("is missing"))
    elif len(handle) > 255 or not _HANDLE.fullmatch(handle):
        product.refuse(first, "Handle", _("must be at most 255 letters, digits and dashes"))
    _read_head(product, first)
    images: list[tuple[int, FeedImage]] = []
    for count, row in enumerate([first, *_bounded(rows, product)]):
        if not row.is_whole:
            product.refuse(row, "", _("has more or fewer values than there are columns"))
            continue
        has_variant = bool(row["Option1 Value"] or row["Variant Price"])
        if has_variant or count == 0:
            _read_sku(product, row, currency=currency)
        elif not row["Image Src"]:
            product.refuse(row, "", _("has neither a variant nor a picture"))
        _read_image(product, row, images)
    images.sort(key=lambda one: one[0])
    # The same picture on several rows is one picture.
    product.images = list({image.source: image for _position, image in images}.values())
    return product


def _bounded(rows: Iterator[Row], product: FeedProduct) -> Iterator[Row]:
    """Pass on the rows that a product may have; read over the rest."""
    for count, row in enumerate(rows):
        if count < MOST_VARIANTS + MOST_IMAGES:
            yield row
        elif count == MOST_VARIANTS + MOST_IMAGES:
            product.refuse(row, "Handle", _("the product has too many rows"))


def _text(product: FeedProduct, row: Row, column: str, most: int = 255) -> str:
    text = row[column]
    if len(text) > most:
        product.refuse(row, column, format_lazy(_("is longer than {most} characters"), most=most))
    elif _CONTROL.search(text):
        product.refuse(row, column, _("has control characters"))
    return text


def _read_head(product: FeedProduct, row: Row) -> None:
    product.title = _text(product, row, "Title")
    if not product.title:
        product.refuse(row, "Title", _("is missing"))
    product.description_html = nh3.clean(_text(product, row, "Body (HTML)", most=100_000))
    product.vendor = _text(product, row, "Vendor")
    product.type = _text(product, row, "Type")
    tags = [tag.strip() for tag in _text(product, row, "Tags", most=20_000).split(",")]
    product.tags = list(dict.fromkeys(tag for tag in tags if tag))
    if any(len(tag) > 255 for tag in product.tags):
        product.refuse(row, "Tags", format_lazy(_("is longer than {most} characters"), most=255))
    for number in _OPTIONS:
        name = _text(product, row, f"Option{number} Name")
        if name:
            product.option_names.append(name)
        elif row[f"Option{number} Value"]:
            product.refuse(row, f"Option{number} Name", _("is missing"))
    if product.option_names == ["Title"] and row["Option1 Value"] == "Default Title":
        product.option_names = []
    status, published = row["Status"].lower(), row["Published"].lower()
    if status and status not in _STATUS:
        product.refuse(row, "Status", _("must be active, draft or archived"))
    elif published not in _PUBLISHED:
        product.refuse(row, "Published", _("must be true or false"))
    else:
        product.status = _STATUS[status] if status else _PUBLISHED[published]
        if published == "false" and product.status == Product.Status.ACTIVE:
            product.status = Product.Status.DRAFT


def _read_sku(product: FeedProduct, row: Row, *, currency: str) -> None:
    before = len(product.errors)
    values = [_text(product, row, f"Option{number} Value") for number in _OPTIONS]
    options = tuple(values[: len(product.option_names)])
    for number, value in enumerate(options, start=1):
        if not value:
            product.refuse(row, f"Option{number} Value", _("is missing"))
    if not product.option_names and product.skus:
        product.refuse(row, "Option1 Name", _("is missing for a product with several variants"))
    twin = next((sku for sku in product.skus if sku.options == options), None)
    if twin is not None and product.option_names:
        product.refuse(
            row,
            "Option1 Value",
            format_lazy(_("is the same variant as on line {line}"), line=twin.line),
        )
    price = _price(product, row, "Variant Price", currency)
    if price is None and not row["Variant Price"]:
        product.refuse(row, "Variant Price", _("is missing"))
    if row["Gift Card"].lower() == "true":
        product.refuse(row, "Gift Card", _("gift cards can't be sold here"))
    sku = FeedSku(
        line=row.line,
        options=options,
        code=_text(product, row, "Variant SKU").removeprefix("'"),
        price_minor=price or 0,
        compare_at_minor=_price(product, row, "Variant Compare At Price", currency),
        on_hand=_whole(product, row, "Variant Inventory Qty", MOST_ON_HAND),
        grams=_whole(product, row, "Variant Grams", MOST_GRAMS),
        barcode=_text(product, row, "Variant Barcode", most=64).removeprefix("'"),
    )
    if len(product.errors) == before:
        product.skus.append(sku)


def _price(product: FeedProduct, row: Row, column: str, currency: str) -> int | None:
    if not row[column]:
        return None
    try:
        minor = parse_minor(row[column], currency)
    except ValueError:
        minor = -1
    if not 0 <= minor < MOST_PRICE_MINOR:
        product.refuse(
            row,
            column,
            format_lazy(
                _("must be an amount from 0 to under {most} with a point, like 19.90: {value}"),
                most=MOST_PRICE_MINOR // 100,
                value=row[column][:40],
            ),
        )
        return None
    return minor


def _whole(product: FeedProduct, row: Row, column: str, most: int) -> int:
    """Read a whole number (exports may write 200.0); an empty cell is 0."""
    text = row[column] or "0"
    try:
        number = Decimal(text) if len(text) <= 20 else Decimal(-1)
        if number.is_finite() and 0 <= number <= most and number == number.to_integral_value():
            return int(number)
    except InvalidOperation:
        pass
    reason = format_lazy(
        _("must be a whole number from 0 to {most}: {value}"), most=most, value=text[:40]
    )
    product.refuse(row, column, reason)
    return 0


def _read_image(product: FeedProduct, row: Row, images: list[tuple[int, FeedImage]]) -> None:
    source = _text(product, row, "Image Src", most=2048)
    if not source:
        return
    alt = _text(product, row, "Image Alt Text", most=512)
    position = _whole(product, row, "Image Position", 32_767)
    if len(images) >= MOST_IMAGES:
        product.refuse(
            row, "Image Src", format_lazy(_("more than {most} pictures"), most=MOST_IMAGES)
        )
    elif source.startswith(STATIC):
        path = source.removeprefix(STATIC)
        if not _STATIC_PATH.fullmatch(path) or finders.find(path) is None:
            product.refuse(row, "Image Src", _("is no picture of this site"))
    elif not _HTTPS.fullmatch(source):
        product.refuse(row, "Image Src", _("must be an https:// address"))
    images.append((position or len(images) + 1, FeedImage(source, alt)))
