"""Reads of prices: running deals, ways to send, what sellers set."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime

from shops.catalog.models import Shop, Sku
from shops.facts.refused import NotFound
from shops.pricing import statements
from shops.pricing.calculation import Option
from shops.pricing.models import Deal, ShippingMethod, TaxRate, Voucher, VoucherUse
from shops.pricing.ways import Ways


def deals_of(*, sku_ids: Collection[int], now: datetime) -> dict[int, Deal]:
    """Find the running deal of each SKU that has one; of several the lowest."""
    return {deal.sku_id: deal for deal in statements.running_deals(sku_ids=sku_ids, now=now)}


def options_to(*, country: str, shop_ids: Collection[int]) -> dict[int, list[Option]]:
    """List how shops send to a country, in the shops' own order.

    A shop that has set up nothing sends everywhere for free; one that has no rate for the country
    does not send there.
    """
    ways = Ways(statements.ways_to(countries=[country], shop_ids=shop_ids))
    return {shop_id: ways.of(shop_id, country=country) for shop_id in shop_ids}


def vouchers_by_code(*, codes: Collection[str], shop_ids: Collection[int]) -> list[Voucher]:
    """Find the vouchers of shops that go by these codes, the ones that are over too."""
    if not codes:
        return []
    wanted = {code.strip().upper() for code in codes}
    return list(
        Voucher.objects.select_related("shop")
        .filter(shop_id__in=shop_ids, code__in=wanted)
        .order_by("shop_id", "pk")
    )


def uses_by(
    *, buyer_ids: Collection[int], voucher_ids: Collection[int]
) -> dict[tuple[int, int], int]:
    """Count by (buyer, voucher) how often it was used in orders that came to something."""
    if not (buyer_ids and voucher_ids):
        return {}
    uses = VoucherUse.objects.filter(
        buyer_id__in=buyer_ids, voucher_id__in=voucher_ids, given_back_at=None
    )
    return Counter(uses.values_list("buyer_id", "voucher_id"))


def methods_of(*, shop: Shop) -> Sequence[ShippingMethod]:
    """List a shop's ways to send, with their rates."""
    rows = ShippingMethod.objects.filter(shop=shop).prefetch_related("rates")
    return list(rows.order_by("-is_active", "position", "pk"))


def method_of(*, shop: Shop, method_id: int) -> ShippingMethod:
    """Find a way to send of a shop.

    :raises NotFound: the shop has no such method
    """
    method = ShippingMethod.objects.filter(shop=shop, pk=method_id).first()
    if method is None:
        raise NotFound
    return method


def recent_deals_of(*, shop: Shop, limit: int = 100) -> Sequence[Deal]:
    """List a shop's deals, the ones that end last first."""
    rows = Deal.objects.filter(sku__product__shop=shop).select_related("sku__product")
    return list(rows.order_by("-ends_at", "-pk")[:limit])


def deal_of(*, shop: Shop, deal_id: int) -> Deal:
    """Find a deal of a shop.

    :raises NotFound: the shop has no such deal
    """
    rows = Deal.objects.filter(sku__product__shop=shop).select_related("sku__product")
    deal = rows.filter(pk=deal_id).first()
    if deal is None:
        raise NotFound
    return deal


def recent_vouchers_of(*, shop: Shop, limit: int = 100) -> Sequence[Voucher]:
    """List a shop's vouchers, the newest first."""
    return list(Voucher.objects.filter(shop=shop).order_by("-created_at", "-pk")[:limit])


def voucher_of(*, shop: Shop, voucher_id: int) -> Voucher:
    """Find a voucher of a shop.

    :raises NotFound: the shop has no such voucher
    """
    voucher = Voucher.objects.filter(shop=shop, pk=voucher_id).first()
    if voucher is None:
        raise NotFound
    return voucher


def skus_of(*, shop: Shop, limit: int) -> list[Sku]:
    """List what a shop sells, to make a deal of."""
    rows = Sku.objects.filter(product__shop=shop, is_active=True, product__status="active")
    return list(rows.select_related("product").order_by("product__title", "position")[:limit])


def taxes_of(*, country: str) -> Sequence[TaxRate]:
    """List what a country takes, the general rate first."""
    rows = TaxRate.objects.filter(country=country).select_related("category")
    return list(rows.order_by("category__name"))
