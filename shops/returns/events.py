"""Facts of the returns room."""

from shops.facts.publishing import Fact


class ReturnChanged(Fact, frozen=True):
    """Something happened to a return; `kind` is the event's, `state` where it stands now."""

    return_id: str
    order_id: int
    order_number: str
    buyer_id: int
    shop_id: int
    event_id: int
    kind: str
    state: str
    currency: str
    asked_minor: int
    refund_minor: int
