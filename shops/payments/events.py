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


class RefundCameBack(Fact, frozen=True):
    """A refund that had succeeded failed after all: the buyer does not have the money, we do."""

    refund_id: str
    payment_id: str
    order_id: int
    amount_minor: int
    currency: str
    code: str


class ChargedBack(Fact, frozen=True):
    """The buyer's bank took money back; `amount_minor` is what it took of this payment.

    `number` counts the payment's charge-backs: there may be another one after one that was won.
    """

    payment_id: str
    purchase_id: str
    amount_minor: int
    currency: str
    number: int = 1


class ChargeBackWon(Fact, frozen=True):
    """The bank gave back what it took by the payment's charge-back of that `number`."""

    payment_id: str
    purchase_id: str
    amount_minor: int
    currency: str
    number: int
