"""What the checkout page tells of a quote: by shop, with every way to send and what it costs."""

from collections.abc import Sequence
from dataclasses import dataclass

from shops.catalog.models import Shop
from shops.checkout.models import Quote, QuoteLine, QuoteShipment, QuoteVoucher
from shops.checkout.queries import quote_lines
from shops.pricing.calculation import Option, PricedOption
from shops.pricing.queries import options_to


@dataclass(frozen=True)
class ShownShipment:
    """One shop's part of a quote, and the ways in which it could be sent."""

    shop: Shop
    shipment: QuoteShipment
    lines: Sequence[QuoteLine]
    options: Sequence[PricedOption]

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


def shown_quote(*, quote: Quote) -> ShownQuote:
    """Read a quote for its page: by shop, with the ways to send and what each would cost."""
    lines = quote_lines(quote=quote)
    by_shop: dict[int, list[QuoteLine]] = {}
    for line in lines:
        by_shop.setdefault(line.sku.product.shop_id, []).append(line)
    options = options_to(country=quote.country, shop_ids=list(by_shop))
    parts = []
    for shipment in quote.shipments.order_by("shop_id"):
        own = by_shop[shipment.shop_id]
        units = sum(line.quantity for line in own)
        goods = sum(line.total_minor - line.discount_minor for line in own)
        parts.append(
            ShownShipment(
                shop=own[0].sku.product.shop,
                shipment=shipment,
                lines=own,
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
    return ShownQuote(quote=quote, parts=parts, vouchers=list(quote.vouchers.order_by("pk")))
