"""Facts of the orders room."""

from shops.facts.publishing import Fact


class OrderFact(Fact, frozen=True):
    """What all facts about one shop's order tell; amounts in minor units of `currency`."""

    order_id: int
    number: str
    purchase_id: str
    buyer_id: int
    shop_id: int
    currency: str
    total_minor: int
    referrals: list[str]


class OrderPlaced(OrderFact, frozen=True):
    pass


class OrderPaid(OrderFact, frozen=True):
    pass


class OrderCancelled(OrderFact, frozen=True):
    pass


class OrderExpired(OrderFact, frozen=True):
    pass


class OrderRefunded(OrderFact, frozen=True):
    refunded_minor: int
