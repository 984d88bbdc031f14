"""Facts of the payouts room."""

from shops.facts.publishing import Fact


class OrderSettled(Fact, frozen=True):
    """An order's money was released; amounts in minor units of `currency`."""

    order_id: int
    number: str
    shop_id: int
    currency: str
    released_minor: int
    seller_minor: int


class PayoutChanged(Fact, frozen=True):
    """A payout reached a state; `shop_id` is None for a creator's."""

    payout_id: str
    owner: str
    shop_id: int | None
    currency: str
    amount_minor: int
    state: str
