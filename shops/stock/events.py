"""Facts of the stock room."""

from datetime import datetime

from shops.facts.publishing import Fact


class StockChanged(Fact, frozen=True):
    """A SKU's units changed; the figures are absolute, a higher `rev` is newer."""

    sku_id: int
    product_id: int
    available: int
    on_hand: int
    rev: int


class WaitlistOffered(Fact, frozen=True):
    """Units are kept for somebody who waited for them, until an instant."""

    entry_id: int
    user_id: int
    sku_id: int
    product_id: int
    quantity: int
    until: datetime


class WaitlistEnded(Fact, frozen=True):
    """Somebody waits no longer: `state` is taken, declined, expired or left."""

    entry_id: int
    user_id: int
    sku_id: int
    product_id: int
    state: str
