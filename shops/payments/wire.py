"""What the provider sends, by webhook or as an answer; closed types, anything else is refused."""

from typing import Final, Literal

import msgspec

from shops.payments.models import PaymentState, RefundState

State = Literal["pending", "succeeded", "failed", "cancelled"]

_PAYMENT: Final[dict[State, PaymentState]] = {
    "pending": PaymentState.UNKNOWN,
    "succeeded": PaymentState.CAPTURED,
    "failed": PaymentState.FAILED,
    "cancelled": PaymentState.CANCELLED,
}
_REFUND: Final[dict[State, RefundState]] = {
    "pending": RefundState.PENDING,
    "succeeded": RefundState.SUCCEEDED,
    "failed": RefundState.FAILED,
    "cancelled": RefundState.FAILED,
}


class ChargeReport(msgspec.Struct, frozen=True, kw_only=True):
    """Where a charge stands; `key` is the payment's id."""

    key: str
    ref: str
    state: State
    amount_minor: int
    currency: str
    failure_code: str = ""

    @property
    def payment_state(self) -> PaymentState:
        return _PAYMENT[self.state]


class RefundReport(msgspec.Struct, frozen=True, kw_only=True):
    """Where a refund stands; `key` is the refund's id."""

    key: str
    ref: str
    state: State
    amount_minor: int
    currency: str
    failure_code: str = ""

    @property
    def refund_state(self) -> RefundState:
        return _REFUND[self.state]


class Message(msgspec.Struct, frozen=True):
    """A webhook's envelope; `data` is read once its type is known."""

    type: str
    data: msgspec.Raw
