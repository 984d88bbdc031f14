"""Facts of the orders room."""

from datetime import datetime

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
    """Paid; the shop hears of it when it is released."""


class OrderReleased(OrderFact, frozen=True):
    """Its buyer can no longer take it back for nothing: the shop packs it until `ship_by`."""

    ship_by: datetime


class ShippingDue(OrderFact, frozen=True):
    """The time in which the shop must ship it is nearly over."""

    ship_by: datetime


class OrderShipped(OrderFact, frozen=True):
    """Some of it (`is_partial`) or the rest of it was handed to a carrier."""

    parcel_id: int
    is_partial: bool


class OrderDelivered(OrderFact, frozen=True):
    delivered_at: datetime


class OrderCompleted(OrderFact, frozen=True):
    """Delivered, and the time to send it back is over."""


class OrderCancelled(OrderFact, frozen=True):
    """Called off before anything was sent; paid money has to go back (`was_paid`)."""

    was_paid: bool = False
    reason: str = ""


class LinesCancelled(OrderFact, frozen=True):
    """Part of a shipped order will not be sent; `amount_minor` has to go back to the buyer."""

    line_ids: list[int]
    amount_minor: int
    reason: str = ""


class OrderExpired(OrderFact, frozen=True):
    pass


class OrderReopened(OrderFact, frozen=True):
    """It had expired, and its payment came all the same: it is about to be paid."""


class OrderRefunded(OrderFact, frozen=True):
    """`refunded_minor` is all that went back so far."""

    refunded_minor: int


class OrderRefundUndone(OrderFact, frozen=True):
    """`amount_minor` that had gone back came back to us: the buyer does not have it."""

    amount_minor: int


class ParcelMoved(Fact, frozen=True):
    """A carrier, its shop or its buyer told how a parcel stands."""

    parcel_id: int
    shop_id: int
    buyer_id: int
    numbers: list[str]
    carrier: str
    tracking_number: str
    state: str
