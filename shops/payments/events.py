"""Facts of the payments room."""

from shops.facts.publishing import Fact


class PaymentCaptured(Fact, frozen=True):
    payment_id: str
    purchase_id: str
    amount_minor: int
    currency: str


class PaymentFailed(Fact, frozen=True):
    payment_id: str
    purchase_id: str
    code: str


class RefundSucceeded(Fact, frozen=True):
    refund_id: str
    payment_id: str
    order_id: int
    amount_minor: int
    currency: str


class RefundFailed(Fact, frozen=True):
    refund_id: str
    payment_id: str
    order_id: int
    amount_minor: int
    currency: str
    code: str


class ChargedBack(Fact, frozen=True):
    """The buyer's bank took money back; `amount_minor` is what it took of this payment."""

    payment_id: str
    purchase_id: str
    amount_minor: int
    currency: str
