"""What the checkout page tells of a quote: by shop, with every way to send and what it costs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from shops.catalog.models import Product, ProductImage, Shop, Sku
from shops.checkout.models import Quote, QuoteLine, QuoteShipment, QuoteVoucher
from shops.facts.rows import ask, columns, joined, models
from shops.pricing.calculation import Option, PricedOption
from shops.pricing.queries import options_to


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
    def field(self) -> str:
        """Name the field that chooses the way."""
        return f"ship-{self.shop.pk}"

    @property
    def has_choice(self) -> bool:
        return len(self.options) > 1

    @property
    def chosen_id(self) -> int | None:
        return self.shipment.method_id

    @property
    def chosen(self) -> Option | None:
        return next(
            (one.option for one in self.options if one.option.method_id == self.chosen_id), None
        )


@dataclass(frozen=True)
class ShownQuote:
    """A quote with all that its page tells of it."""

    quote: Quote
    parts: Sequence[ShownShipment]
    vouchers: Sequence[QuoteVoucher]

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
    def is_available(self) -> bool:
        return all(part.shipment.is_available for part in self.parts)

    @property
    def has_first_paid(self) -> bool:
        return any(not line.is_held for part in self.parts for line in part.lines)

    @property
    def is_kept(self) -> bool:
        return any(line.is_held for part in self.parts for line in part.lines)


_LINES: Final = f"""
SELECT {columns(QuoteLine, "l")}, {columns(Sku, "k")}, {columns(Product, "p")},
    {columns(Shop, "s")}, {columns(ProductImage, "i")}
FROM checkout_quoteline l
JOIN catalog_sku k ON k.id = l.sku_id
JOIN catalog_product p ON p.id = k.product_id
JOIN catalog_shop s ON s.id = p.shop_id
LEFT JOIN LATERAL (
    SELECT * FROM catalog_productimage WHERE product_id = p.id ORDER BY position, id LIMIT 1
) i ON true
WHERE l.quote_id = %(quote)s::uuid ORDER BY l.id
"""  # noqa: S608  # columns of models
_SHIPMENTS: Final = f"""
SELECT {columns(QuoteShipment, "m")} FROM checkout_quoteshipment m
WHERE m.quote_id = %(quote)s::uuid ORDER BY m.shop_id
"""  # noqa: S608
_VOUCHERS: Final = f"""
SELECT {columns(QuoteVoucher, "v")} FROM checkout_quotevoucher v
WHERE v.quote_id = %(quote)s::uuid ORDER BY v.id
"""  # noqa: S608


def quote_lines(*, quote: Quote) -> list[tuple[QuoteLine, ProductImage | None]]:
    """List what a quote promises: each line with its SKU, and its product's first picture."""
    [rows] = ask(_LINES, {"quote": quote.pk})
    found = []
    for line, sku, product, shop, image in joined(
        rows, QuoteLine, Sku, Product, Shop, ProductImage
    ):
        line.quote, line.sku, sku.product, product.shop = quote, sku, product, shop
        found.append((line, image))
    return found


def quote_shipments(*, quote: Quote) -> list[QuoteShipment]:
    [rows] = ask(_SHIPMENTS, {"quote": quote.pk})
    return models(QuoteShipment, rows)


def quote_vouchers(*, quote: Quote) -> list[QuoteVoucher]:
    [rows] = ask(_VOUCHERS, {"quote": quote.pk})
    return models(QuoteVoucher, rows)


def shown_quote(*, quote: Quote) -> ShownQuote:
    """Read a quote for its page: by shop, with the ways to send and what each would cost."""
    by_shop: dict[int, list[tuple[QuoteLine, ProductImage | None]]] = {}
    for line, image in quote_lines(quote=quote):
        by_shop.setdefault(line.sku.product.shop_id, []).append((line, image))
    options = options_to(country=quote.country, shop_ids=list(by_shop))
    parts = []
    for shipment in quote_shipments(quote=quote):
        own = by_shop[shipment.shop_id]
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
                    for one in options[shipment.shop_id]
                ],
            )
        )
    return ShownQuote(quote=quote, parts=parts, vouchers=quote_vouchers(quote=quote))
