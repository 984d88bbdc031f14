"""What the sandbox provider keeps records of, and how it says no."""

from dataclasses import dataclass, replace
from typing import Literal

from shops.payments.sandbox.cards import Card

State = Literal["pending", "requires_action", "authorized", "succeeded", "failed", "cancelled"]


class Conflict(Exception):
    """A key was used before, for something else."""


class NotPossible(Exception):
    """The provider refuses a well-formed request; the code says why."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


@dataclass(frozen=True)
class Charge:
    key: str
    ref: str
    state: State
    amount_minor: int
    currency: str
    failure_code: str
    captured_minor: int
    action_url: str


@dataclass(frozen=True)
class Refund:
    key: str
    ref: str
    state: State
    amount_minor: int
    currency: str
    charge: str


@dataclass(frozen=True)
class ChargeBack:
    ref: str
    charge_ref: str
    amount_minor: int
    currency: str
    reason: str
    is_won: bool


@dataclass(frozen=True)
class Wish:
    """A charge that is asked for."""

    key: str
    amount_minor: int
    currency: str
    card: Card
    is_manual: bool
    return_url: str
    description: str


@dataclass(frozen=True)
class Times:
    """Seconds: until slow things end, a late message is sent, and a card charges back."""

    delay: float
    late: float
    charge_back: float


@dataclass(frozen=True)
class Delivery:
    id: str
    message: str
    body: str
    attempts: int


@dataclass(frozen=True)
class Payout:
    key: str
    ref: str
    state: Literal["pending", "paid", "failed"]
    amount_minor: int
    currency: str
    account: str
    failure_code: str


def ended(charge: Charge, failure_code: str, *, is_manual: bool) -> Charge:
    """Give a charge the end that its card means; "" is no failure."""
    if failure_code:
        return replace(charge, state="failed", failure_code=failure_code, action_url="")
    if is_manual:
        return replace(charge, state="authorized", action_url="")
    return replace(charge, state="succeeded", captured_minor=charge.amount_minor, action_url="")
