"""Facts of the orders room."""

from shops.facts.publishing import Fact


class OrderFact(Fact):
    """What all facts about one shop's order tell; amounts in minor units of `currency`."""

    order_id: int
    number: str
    purchase_id: str
    buyer_id: int
    shop_id: int
    currency: str
    total_minor: int
    referrals: list[str]


class OrderPlaced(OrderFact):
    pass


class OrderPaid(OrderFact):
    pass


class OrderCancelled(OrderFact):
    pass


class OrderExpired(OrderFact):
    pass


class OrderRefunded(OrderFact):
    refunded_minor: int
