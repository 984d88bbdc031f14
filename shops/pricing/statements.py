"""The SQL that every price is worked out by."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from shops.facts.rows import ask, columns, models
from shops.pricing.models import Deal

_DEALS: Final = f"""
SELECT {columns(Deal, "d")} FROM pricing_deal d
WHERE d.sku_id = ANY(%(skus)s::bigint[]) AND d.starts_at <= %(now)s AND d.ends_at > %(now)s
ORDER BY d.price_minor DESC, d.id DESC
"""  # noqa: S608  # columns of a model


def running_deals(*, sku_ids: Collection[int], now: datetime) -> list[Deal]:
    """Find the running deals of SKUs, the lowest last."""
    [rows] = ask(_DEALS, {"skus": list(sku_ids), "now": now})
    return models(Deal, rows)


_TAXES: Final = """
SELECT category_id, bps, is_inclusive FROM pricing_taxrate
WHERE country = %(country)s
    AND (category_id IS NULL OR category_id = ANY(%(categories)s::bigint[]))
"""


def taxes(*, country: str, category_ids: Collection[int]) -> list[Any]:
    """Find (category, basis points, inclusive?) of a country's taxes, the general one included."""
    [rows] = ask(_TAXES, {"country": country, "categories": list(category_ids)})
    return rows


# The country's own rate comes after that of everywhere else.
_WAYS: Final = """
SELECT m.shop_id, m.id, m.name, m.days_min, m.days_max, m.is_active, r.base_minor,
    r.per_item_minor, r.free_from_minor
FROM pricing_shippingmethod m
LEFT JOIN pricing_shippingrate r ON r.method_id = m.id AND r.country IN ('', %(country)s)
WHERE m.shop_id = ANY(%(shops)s::bigint[])
ORDER BY m.position, m.id, r.country
"""


def ways_to(*, country: str, shop_ids: Collection[int]) -> list[Any]:
    """Find shops' ways to send, each with its rates for a country and for everywhere else."""
    [rows] = ask(_WAYS, {"country": country, "shops": list(shop_ids)})
    return rows
