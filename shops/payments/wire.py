"""What providers say about charges, refunds and payouts, in our words; closed types."""

from typing import Final, Literal

import msgspec

from shops.payments.models import PaymentState, RefundState

State = Literal[
    "pending",
    "requires_action",
    "authorized",
    "succeeded",
    "failed",
    "cancelled",
]
RefundWord = Literal["pending", "succeeded", "failed", "cancelled"]
PayoutWord = Literal["pending", "paid", "failed"]

_PAYMENT: Final[dict[State, PaymentState]] = {
    "pending": PaymentState.UNKNOWN,
    "requires_action": PaymentState.REQUIRES_ACTION,
    "authorized": PaymentState.AUTHORIZED,
    "succeeded": PaymentState.CAPTURED,
    "failed": PaymentState.FAILED,
    "cancelled": PaymentState.CANCELLED,
}
_REFUND: Final[dict[RefundWord, RefundState]] = {
    "pending": RefundState.PENDING,
    "succeeded": RefundState.SUCCEEDED,
    "failed": RefundState.FAILED,
    "cancelled": RefundState.FAILED,
}


class ChargeReport(msgspec.Struct, frozen=True, kw_only=True):
    """Where a charge stands; `key` is the payment's id, `ref` the provider's name for it.

    `amount_minor` is what was asked for, `captured_minor` what was taken; None means all of it.
    """

    key: str
    ref: str
    state: State
    amount_minor: int
    currency: str
    failure_code: str = ""
    captured_minor: int | None = None
    action_url: str = ""

    @property
    def payment_state(self) -> PaymentState:
        return _PAYMENT[self.state]

    @property
    def taken_minor(self) -> int:
        return self.amount_minor if self.captured_minor is None else self.captured_minor


class RefundReport(msgspec.Struct, frozen=True, kw_only=True):
    """Where a refund stands; `key` is the refund's id."""

    key: str
    ref: str
    state: RefundWord
    amount_minor: int
    currency: str
    failure_code: str = ""

    @property
    def refund_state(self) -> RefundState:
        return _REFUND[self.state]


class ChargeBackReport(msgspec.Struct, frozen=True, kw_only=True):
    """A buyer's bank took money of the charge `charge_ref` back; `is_won`: we have it again."""

    ref: str
    charge_ref: str
    amount_minor: int
    currency: str
    reason: str = ""
    is_won: bool = False


class PayoutReport(msgspec.Struct, frozen=True, kw_only=True):
    """Where money that was sent to an account stands; `key` is the sender's own."""

    key: str
    ref: str
    state: PayoutWord
    amount_minor: int
    currency: str
    failure_code: str = ""


Report = ChargeReport | RefundReport | ChargeBackReport
