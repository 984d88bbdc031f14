"""Facts of the stock room."""

from shops.facts.publishing import Fact


class StockChanged(Fact, frozen=True):
    """A SKU's units changed; the figures are absolute, a higher `rev` is newer."""

    sku_id: int
    product_id: int
    available: int
    on_hand: int
    rev: int
