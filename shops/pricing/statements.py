"""The SQL that every price is worked out by."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final, NamedTuple

from shops.facts.rows import ask, ask_each, columns, models
from shops.pricing.models import Deal

DEALS: Final = f"""
SELECT {columns(Deal, "d")} FROM pricing_deal d
WHERE d.sku_id = ANY(%(skus)s::bigint[]) AND d.starts_at <= %(last)s AND d.ends_at > %(first)s
ORDER BY d.price_minor DESC, d.id DESC
"""  # noqa: S608  # columns of a model


def running_deals(*, sku_ids: Collection[int], now: datetime) -> list[Deal]:
    """Find the running deals of SKUs, the lowest last."""
    [rows] = ask(DEALS, {"skus": list(sku_ids), "first": now, "last": now})
    return models(Deal, rows)


_TAXES: Final = """
SELECT country, category_id, bps, is_inclusive FROM pricing_taxrate
WHERE country = ANY(%(countries)s::text[])
    AND (category_id IS NULL OR category_id = ANY(%(categories)s::bigint[]))
"""
_WAYS_OF: Final = """
SELECT m.shop_id, m.id, m.name, m.days_min, m.days_max, m.is_active, r.country, r.base_minor,
    r.per_item_minor, r.free_from_minor
FROM pricing_shippingmethod m
LEFT JOIN pricing_shippingrate r
    ON r.method_id = m.id AND (r.country = '' OR r.country = ANY(%(countries)s::text[]))
WHERE m.shop_id {of}
ORDER BY m.position, m.id
"""
_WAYS: Final = _WAYS_OF.replace("{of}", "= ANY(%(shops)s::bigint[])")


def ways_where(shops: str) -> str:
    """Give the statement of `ways_to` for shops that a subquery finds."""
    return _WAYS_OF.replace("{of}", f"IN ({shops})")


def ways_to(*, countries: Collection[str], shop_ids: Collection[int]) -> list[Any]:
    """Find shops' ways to send, each with its rates for countries ("": for everywhere else)."""
    [rows] = ask(_WAYS, {"countries": list(countries), "shops": list(shop_ids)})
    return rows


class Found(NamedTuple):
    """Deals, the lowest last; (country, category, basis points, inclusive?); as `ways_to`."""

    deals: list[Deal]
    taxes: list[Any]
    ways: list[Any]


def rules(
    *,
    sku_ids: Collection[int],
    first: datetime,
    last: datetime,
    countries: Collection[str],
    category_ids: Collection[int],
    shop_ids: Collection[int],
) -> Found:
    """Find what prices in countries are worked out by: the deals are those between two instants."""
    values = {
        "skus": list(sku_ids),
        "first": first,
        "last": last,
        "countries": list(countries),
        "categories": list(category_ids),
        "shops": list(shop_ids),
    }
    deals, taxes, ways = ask_each([(sql, values) for sql in (DEALS, _TAXES, _WAYS)])
    return Found(models(Deal, deals), taxes, ways)
