"""What a payment provider must be able to do, and which of ours is switched on.

Every request that moves money carries a key of ours, so that asking again is always harmless.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Final, Protocol

from django.conf import settings
from django.utils.functional import Promise
from django.utils.module_loading import import_string

from shops.payments.wire import ChargeBackReport, ChargeReport, PayoutReport, RefundReport, Report

_PROVIDERS: Final = {
    "sandbox": "shops.payments.providers.sandbox.Sandbox",
    "stripe": "shops.payments.providers.stripe.Stripe",
}


class NoAnswer(Exception):
    """It is not known whether the provider did what was asked of it."""


class Rejected(Exception):
    """The provider refused and did nothing; `code` is its reason."""

    def __init__(self, code: str) -> None:
        self.code = code[:60]
        super().__init__(code)


class Unheard(Exception):
    """The provider never heard of the charge: nothing was asked of the card."""


class BadSignature(Exception):
    """A message that the provider did not send, or sent at another time."""


class Unreadable(Exception):
    """A message that is signed, and no message."""


@dataclass(frozen=True, kw_only=True)
class Ask:
    """A charge to be made: `key` is the payment's id, `return_url` where the buyer comes back to.

    `ref` is what `Provider.prepare` gave, once it is committed.
    """

    key: uuid.UUID
    amount_minor: int
    currency: str
    card_token: str
    return_url: str
    description: str
    is_manual: bool = False
    ref: str = ""


@dataclass(frozen=True)
class Choice:
    """A way to pay that the checkout page offers; `token` is what its form sends."""

    token: str
    label: str | Promise


class Provider(Protocol):
    """All of it may raise NoAnswer (timeout, broken connection, the provider's own error)."""

    name: str

    def choices(self) -> Sequence[Choice]:
        """List the ways to pay that the checkout page offers."""
        ...

    def page_url(self, ref: str) -> str:
        """Tell where people look at a charge at the provider."""
        ...

    def prepare(self, ask: Ask) -> str:
        """Make what the charge can be found by later, once per key; no card is charged.

        Returns the provider's name for it, or "" when it finds a charge by our key alone.

        :raises Rejected: it can't be charged
        """
        ...

    def charge(self, ask: Ask) -> ChargeReport:
        """Charge (or with `is_manual` authorise) once per key, however often it is asked.

        :raises Rejected: it was not charged
        """
        ...

    def find(self, *, key: uuid.UUID, ref: str) -> ChargeReport:
        """Ask what became of a charge.

        :raises Unheard: the provider has none
        """
        ...

    def capture(
        self, *, key: uuid.UUID, ref: str, amount_minor: int, currency: str
    ) -> ChargeReport:
        """Take an authorised amount, or a part of it (the rest is let go); once per charge.

        :raises Rejected: it was not captured
        """
        ...

    def cancel(self, *, key: uuid.UUID, ref: str) -> ChargeReport:
        """See to it that a charge is never made; if it was made, learn of that."""
        ...

    def refund(
        self,
        *,
        key: uuid.UUID,
        charge_key: uuid.UUID,
        charge_ref: str,
        amount_minor: int,
        currency: str,
    ) -> RefundReport:
        """Give money of a charge back, once per key.

        :raises Rejected: nothing was given back
        """
        ...

    def chargebacks(self, *, since: datetime) -> Sequence[ChargeBackReport]:
        """List what buyers' banks took back since then, and tell which of it was won.

        A message about it may have been lost.
        """
        ...

    def payout(
        self, *, key: uuid.UUID, amount_minor: int, currency: str, account: str
    ) -> PayoutReport:
        """Send money to an account at the provider, once per key.

        :raises Rejected: nothing was sent
        """
        ...

    def verify(self, *, headers: Mapping[str, str], body: bytes) -> str:
        """Tell the id of a message that the provider really sent just now.

        :raises BadSignature: it did not
        """
        ...

    def read(self, body: bytes) -> Report | None:
        """Read a verified message; None when it is of no interest.

        :raises Unreadable: it is no message
        """
        ...


@cache
def provider_of(name: str) -> Provider:
    """Find a provider by the name that its payments carry."""
    made: Provider = import_string(_PROVIDERS[name])()
    return made


def current() -> Provider:
    """Give the provider that new payments go to."""
    return provider_of(settings.PAYMENT_PROVIDER)


def switched_on() -> list[Provider]:
    """List the providers that can be asked: the current one, and one that payments were made at."""
    names = [settings.PAYMENT_PROVIDER]
    if settings.STRIPE_SECRET_KEY and "stripe" not in names:
        names.append("stripe")
    return [provider_of(name) for name in names]


def payout(*, key: uuid.UUID, amount_minor: int, currency: str, account: str) -> PayoutReport:
    """Send money to an account, once per key; asking again tells how it stands.

    :raises NoAnswer: it is not known whether it was sent: ask again with the same key
    :raises Rejected: it was not
    """
    return current().payout(key=key, amount_minor=amount_minor, currency=currency, account=account)
