"""What the checkout page tells of a quote: by shop, with every way to send and what it costs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from django.utils.safestring import SafeString

from shops.accounts.models import Address
from shops.catalog.models import Product, ProductImage, Shop, Sku
from shops.checkout.models import Quote, QuoteLine, QuoteShipment, QuoteVoucher
from shops.checkout.quote_drawing import Goods, Part, Picture, Totals, Way, drawn_part, drawn_totals
from shops.checkout.quote_rows import rows_of
from shops.facts.frames import Frame
from shops.facts.rows import joined, models
from shops.pricing.calculation import Option, PricedOption


@dataclass(frozen=True)
class ShownShipment:
    """One shop's part of a quote, and the ways in which it could be sent."""

    shop: Shop
    shipment: QuoteShipment
    pictured: Sequence[tuple[QuoteLine, ProductImage | None]]
    options: Sequence[PricedOption]

    @property
    def lines(self) -> Sequence[QuoteLine]:
        return [line for line, _image in self.pictured]

    @property
    def drawn(self) -> SafeString:
        """Draw what is sent, and how it could be."""
        shipment, quote = self.shipment, self.shipment.quote
        return drawn_part(
            Part(
                shop=self.shop.name,
                field=f"ship-{self.shop.pk}",
                country=quote.country,
                currency=quote.currency,
                goods=tuple(
                    Goods(
                        Picture(image.url) if image else None,
                        line.sku.product.title,
                        line.sku.options_text,
                        line.quantity,
                        line.unit_price_minor,
                        line.list_price_minor,
                        line.total_minor,
                        line.is_held,
                    )
                    for line, image in self.pictured
                ),
                ways=tuple(
                    Way(way.method_id, way.name, way.days_min, way.days_max, one.amount_minor)
                    for one in self.options
                    for way in (one.option,)
                ),
                is_available=shipment.is_available,
                chosen_id=shipment.method_id,
                name=shipment.name,
                amount_minor=shipment.amount_minor,
            )
        )


@dataclass(frozen=True)
class ShownQuote:
    """A quote with all that its page tells of it."""

    quote: Quote
    parts: Sequence[ShownShipment]
    vouchers: Sequence[QuoteVoucher]
    addresses: Sequence[Address]

    @cached_property
    def path(self) -> str:
        """Say where what a buyer does with it goes to: that and the name of what is done."""
        return f"/checkout/{self.quote.pk}/"

    @cached_property
    def kept_until(self) -> str:
        """Write for browsers until when it is kept; `kept_until_clock` does for people."""
        return self._until.isoformat()

    @property
    def kept_until_clock(self) -> str:
        return f"{self._until:%H:%M}"

    @property
    def _until(self) -> datetime:
        return self.quote.expires_at.astimezone(UTC)

    @property
    def units(self) -> int:
        return sum(line.quantity for part in self.parts for line in part.lines)

    @property
    def saved_minor(self) -> int:
        """Return what deals take off the list price."""
        lines = [line for part in self.parts for line in part.lines]
        return sum(line.list_total_minor - line.total_minor for line in lines)

    @property
    def list_goods_minor(self) -> int:
        return self.quote.goods_minor + self.saved_minor

    @property
    def added_tax_minor(self) -> int:
        """Return the taxes that come on top; the others are in the prices."""
        quote = self.quote
        return quote.total_minor - (quote.goods_minor - quote.discount_minor + quote.shipping_minor)

    @property
    def included_tax_minor(self) -> int:
        return self.quote.tax_minor - self.added_tax_minor

    @property
    def drawn_totals(self) -> SafeString:
        """Draw what is paid."""
        quote = self.quote
        return drawn_totals(
            Totals(
                currency=quote.currency,
                units=self.units,
                list_goods_minor=self.list_goods_minor,
                saved_minor=self.saved_minor,
                vouchers=tuple((one.code, one.discount_minor) for one in self.vouchers),
                shipping_minor=quote.shipping_minor,
                added_tax_minor=self.added_tax_minor,
                included_tax_minor=self.included_tax_minor,
                total_minor=quote.total_minor,
                is_available=self.is_available,
            )
        )

    @property
    def is_available(self) -> bool:
        return all(part.shipment.is_available for part in self.parts)

    @property
    def has_first_paid(self) -> bool:
        return any(not line.is_held for part in self.parts for line in part.lines)

    @property
    def is_kept(self) -> bool:
        return any(line.is_held for part in self.parts for line in part.lines)


@dataclass(frozen=True)
class Read:
    """All rows of a quote, each line with its SKU and its product's first picture."""

    lines: Sequence[tuple[QuoteLine, ProductImage | None]]
    shipments: Sequence[QuoteShipment]
    vouchers: Sequence[QuoteVoucher]
    # By shop, how it sends to where the quote goes.
    options: Mapping[int, Sequence[Option]]
    # Those that its buyer may choose of.
    addresses: Sequence[Address]


def read_quote(*, quote: Quote, frame: Frame | None = None) -> Read:
    """Read what a quote promises, in one trip, and with it what the frame of its page asks.

    One that was just started for its page has that with it already, once.
    """
    rows, quote.rows = quote.rows, None
    if rows is None:
        [rows] = rows_of([quote], framed=frame is not None)
    if frame and rows.frame is not None:
        frame.hear(rows.frame)
    sent = models(QuoteShipment, rows.shipments)
    return Read(
        lines=_lines(rows.lines, quote),
        shipments=sent,
        vouchers=models(QuoteVoucher, rows.vouchers),
        options={one.shop_id: rows.ways.of(one.shop_id, country=quote.country) for one in sent},
        addresses=models(Address, rows.addresses),
    )


def _lines(
    rows: Iterable[Sequence[Any]], quote: Quote
) -> list[tuple[QuoteLine, ProductImage | None]]:
    found: list[tuple[QuoteLine, ProductImage | None]] = []
    for line, sku, product, shop, image in joined(
        rows, QuoteLine, Sku, Product, Shop, ProductImage
    ):
        line.quote, line.sku, sku.product, product.shop = quote, sku, product, shop
        found.append((line, image))
    return found


def shown_quote(*, quote: Quote, frame: Frame | None = None) -> ShownQuote:
    """Read a quote for its page: by shop, with the ways to send and what each would cost."""
    read = read_quote(quote=quote, frame=frame)
    by_shop: dict[int, list[tuple[QuoteLine, ProductImage | None]]] = {}
    for line, image in read.lines:
        by_shop.setdefault(line.sku.product.shop_id, []).append((line, image))
    parts = []
    for shipment in read.shipments:
        own = by_shop[shipment.shop_id]
        shipment.quote = quote
        units = sum(line.quantity for line, _image in own)
        goods = sum(line.total_minor - line.discount_minor for line, _image in own)
        parts.append(
            ShownShipment(
                shop=own[0][0].sku.product.shop,
                shipment=shipment,
                pictured=own,
                options=[
                    PricedOption(
                        one,
                        # What was promised stands, whatever the shop asks by now.
                        shipment.amount_minor
                        if one.method_id == shipment.method_id
                        else one.cost(units=units, goods_minor=goods),
                    )
                    for one in read.options[shipment.shop_id]
                ],
            )
        )
    return ShownQuote(quote=quote, parts=parts, vouchers=read.vouchers, addresses=read.addresses)
