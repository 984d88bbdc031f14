"""Facts of the payments room."""

from shops.facts.publishing import Fact


class PaymentCaptured(Fact):
    payment_id: str
    purchase_id: str
    amount_minor: int
    currency: str


class PaymentFailed(Fact):
    payment_id: str
    purchase_id: str
    code: str


class RefundSucceeded(Fact):
    refund_id: str
    payment_id: str
    order_id: int
    amount_minor: int
    currency: str
