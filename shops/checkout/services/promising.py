"""Write down what a quote promises: its prices now, in every part of it, signed."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from shops.catalog.models import Product
from shops.checkout.models import Quote, QuoteLine, QuoteShipment, QuoteVoucher
from shops.checkout.services.signing import signature_of
from shops.pricing.calculation import Priced
from shops.pricing.services import ToPrice, price_cart


def price_lines(
    lines: Sequence[QuoteLine],
    *,
    country: str,
    choices: Mapping[int, int | None],
    codes: Collection[str],
    buyer_id: int,
    is_strict: bool = False,
    now: datetime,
) -> Priced:
    """Price a quote's lines (their SKUs and products loaded) and set their amounts.

    :raises VoucherRefused: strictly, a code does not count
    """
    priced = price_cart(
        lines=[to_price(number, line.sku.product, line) for number, line in enumerate(lines)],
        country=country,
        choices=choices,
        codes=codes,
        buyer_id=buyer_id,
        is_strict=is_strict,
        now=now,
    )
    set_amounts(lines, priced)
    return priced


def to_price(number: int, product: Product, line: QuoteLine) -> ToPrice:
    """Say what a quote's line is to be priced as."""
    return ToPrice(
        key=number,
        shop_id=product.shop_id,
        category_id=product.category_id,
        quantity=line.quantity,
        unit_minor=line.unit_price_minor,
    )


def set_amounts(lines: Sequence[QuoteLine], priced: Priced) -> None:
    """Set the amounts of a quote's lines as they were priced."""
    for line, amounts in zip(lines, priced.lines, strict=True):
        line.discount_minor = amounts.discount_minor
        line.tax_minor = amounts.tax_minor
        line.tax_bps = amounts.tax.bps
        line.is_tax_inclusive = amounts.tax.is_inclusive


def promise(
    quote: Quote, lines: Sequence[QuoteLine], priced: Priced
) -> tuple[list[QuoteShipment], list[QuoteVoucher]]:
    """Set a quote's amounts and signature from its priced lines; returns the parts to write."""
    shipments = [
        QuoteShipment(
            quote_id=quote.pk,
            shop_id=one.shop_id,
            method_id=one.chosen.method_id if one.chosen else None,
            name=one.chosen.name if one.chosen else "",
            amount_minor=one.amount_minor,
            tax_minor=one.tax_minor,
            tax_bps=one.tax.bps,
            is_tax_inclusive=one.tax.is_inclusive,
            is_available=one.is_available,
        )
        for one in priced.shipments
    ]
    vouchers = [
        QuoteVoucher(
            quote_id=quote.pk,
            voucher_id=one.reduction.voucher_id,
            code=one.reduction.code,
            discount_minor=one.discount_minor,
        )
        for one in priced.vouchers
    ]
    quote.goods_minor = priced.goods_minor
    quote.discount_minor = priced.discount_minor
    quote.shipping_minor = priced.shipping_minor
    quote.tax_minor = priced.tax_minor
    quote.total_minor = priced.total_minor
    quote.signature = signature_of(quote, lines, shipments, vouchers)
    return shipments, vouchers
