"""Tell what became of a SKU's units."""

from collections.abc import Iterable

from shops.facts.publishing import publish
from shops.stock.events import StockChanged
from shops.stock.statements import Level


def tell(levels: Iterable[Level]) -> None:
    for level in levels:
        publish(
            StockChanged(
                sku_id=level.sku_id,
                product_id=level.product_id,
                available=level.available,
                on_hand=level.on_hand,
                rev=level.rev,
            )
        )
