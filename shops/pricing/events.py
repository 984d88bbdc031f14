"""Facts of the pricing room."""

from datetime import datetime

from shops.facts.publishing import Fact


class DealChanged(Fact, frozen=True):
    """A SKU gets a lower price for a while, or that was changed or ended early."""

    deal_id: int
    sku_id: int
    product_id: int
    shop_id: int
    price_minor: int
    currency: str
    starts_at: datetime
    ends_at: datetime
