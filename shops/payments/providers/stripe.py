"""Stripe, by its own library: PaymentIntents, its hosted page, refunds, disputes and transfers.

A PaymentIntent (or a Checkout Session, for cards typed in on Stripe's page) is made first and its
name committed; only then is it confirmed. So what has no name here was never charged, however long
ago: Stripe forgets idempotency keys after a day, the name stays. `metadata.key` is our id.
"""

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import Any, Final, Literal

import stripe
from django.conf import settings
from django.db import connection
from django.utils.translation import gettext_lazy as _

from shops.payments.providers import (
    Ask,
    BadSignature,
    Choice,
    NoAnswer,
    Rejected,
    Unheard,
    Unreadable,
)
from shops.payments.providers.stripe_amounts import NotPossible, from_stripe, to_stripe
from shops.payments.providers.stripe_objects import charge_of, chargeback_of, refund_of, report_of
from shops.payments.wire import ChargeBackReport, ChargeReport, PayoutReport, RefundReport, Report

# The buyer types the card in on Stripe's own page: no script of Stripe's runs on ours.
HOSTED: Final = "hosted"
_TEST_CARDS: Final = (
    Choice("pm_card_visa", "4242 — is paid at once"),
    Choice("pm_card_visa_chargeDeclined", "0002 — is declined"),
    Choice("pm_card_visa_chargeDeclinedInsufficientFunds", "9995 — has too little money"),
    Choice("pm_card_authenticationRequired", "3184 — asks the buyer's bank (3-D Secure)"),
)


class Stripe:
    name = "stripe"

    def choices(self) -> Sequence[Choice]:
        hosted = Choice(HOSTED, _("Card, on Stripe's page"))
        is_trial = settings.STRIPE_SECRET_KEY.startswith("sk_test_")
        return [*_TEST_CARDS, hosted] if is_trial else [hosted]

    def page_url(self, ref: str) -> str:
        is_trial = settings.STRIPE_SECRET_KEY.startswith("sk_test_")
        return f"https://dashboard.stripe.com/{'test/' if is_trial else ''}payments/{ref}"

    def prepare(self, ask: Ask) -> str:
        try:
            return self._prepare(ask)
        except Unheard:
            # What there is none of is the card: nothing else was named.
            raise Rejected("unknown_card") from None

    def _prepare(self, ask: Ask) -> str:
        amount = _amount(ask.amount_minor, ask.currency)
        capture: Literal["manual", "automatic"] = "manual" if ask.is_manual else "automatic"
        with _asking() as client:
            if ask.card_token == HOSTED:
                session = client.v1.checkout.sessions.create(
                    {
                        "mode": "payment",
                        "client_reference_id": str(ask.key),
                        "success_url": ask.return_url,
                        "cancel_url": ask.return_url,
                        "line_items": [
                            {
                                "quantity": 1,
                                "price_data": {
                                    "currency": ask.currency.lower(),
                                    "unit_amount": amount,
                                    "product_data": {"name": ask.description},
                                },
                            }
                        ],
                        "metadata": {"key": str(ask.key)},
                        "payment_intent_data": {
                            "capture_method": capture,
                            "metadata": {"key": str(ask.key), "hosted": "yes"},
                        },
                    },
                    {"idempotency_key": str(ask.key)},
                )
                return session.id
            intent = client.v1.payment_intents.create(
                {
                    "amount": amount,
                    "currency": ask.currency.lower(),
                    "payment_method": ask.card_token,
                    "capture_method": capture,
                    "description": ask.description,
                    "metadata": {"key": str(ask.key)},
                },
                {"idempotency_key": str(ask.key)},
            )
            return intent.id

    def charge(self, ask: Ask) -> ChargeReport:
        if ask.card_token == HOSTED:
            return self.find(key=ask.key, ref=ask.ref)
        try:
            with _asking() as client:
                intent = client.v1.payment_intents.confirm(
                    ask.ref,
                    {"return_url": ask.return_url},
                    {"idempotency_key": f"{ask.key}-confirm"},
                )
                return charge_of(_plain(intent), ask.key)
        except _Declined as declined:
            return ChargeReport(
                key=str(ask.key),
                ref=ask.ref,
                state="failed",
                amount_minor=ask.amount_minor,
                currency=ask.currency,
                failure_code=declined.code,
            )

    def find(self, *, key: uuid.UUID, ref: str) -> ChargeReport:
        if not ref:
            raise Unheard
        with _asking() as client:
            if not ref.startswith("cs_"):
                return charge_of(_plain(client.v1.payment_intents.retrieve(ref)), key)
            session = _plain(
                client.v1.checkout.sessions.retrieve(ref, {"expand": ["payment_intent"]})
            )
        intent = session.get("payment_intent")
        if session["status"] == "complete" and intent:
            return charge_of(intent, key)
        currency = session["currency"].upper()
        return ChargeReport(
            key=str(key),
            ref=ref,
            state="cancelled" if session["status"] == "expired" else "requires_action",
            amount_minor=from_stripe(session["amount_total"], currency),
            currency=currency,
            captured_minor=0,
            action_url=session.get("url") or "",
        )

    def capture(
        self, *, key: uuid.UUID, ref: str, amount_minor: int, currency: str
    ) -> ChargeReport:
        with _asking() as client:
            intent = client.v1.payment_intents.capture(
                ref,
                {"amount_to_capture": _amount(amount_minor, currency)},
                {"idempotency_key": f"{key}-capture"},
            )
            return charge_of(_plain(intent), key)

    def cancel(self, *, key: uuid.UUID, ref: str) -> ChargeReport:
        if not ref:
            # It has no name here, so it was never confirmed and never will be.
            return ChargeReport(
                key=str(key), ref="", state="cancelled", amount_minor=0, currency=""
            )
        try:
            with _asking() as client:
                if ref.startswith("cs_"):
                    client.v1.checkout.sessions.expire(ref)
                else:
                    client.v1.payment_intents.cancel(ref)
        except Rejected:
            pass  # it has ended already: the answer tells how
        return self.find(key=key, ref=ref)

    def refund(
        self,
        *,
        key: uuid.UUID,
        charge_key: uuid.UUID,
        charge_ref: str,
        amount_minor: int,
        currency: str,
    ) -> RefundReport:
        amount = _amount(amount_minor, currency)
        with _asking() as client:
            # Stripe forgets keys after a day; what it gave back it knows for ever.
            given = client.v1.refunds.list({"payment_intent": charge_ref, "limit": 100})
            for one in given.auto_paging_iter():
                plain = _plain(one)
                if (plain.get("metadata") or {}).get("key") == str(key):
                    return refund_of(plain, key)
            made = client.v1.refunds.create(
                {
                    "payment_intent": charge_ref,
                    "amount": amount,
                    "metadata": {"key": str(key)},
                },
                {"idempotency_key": str(key)},
            )
            return refund_of(_plain(made), key)

    def chargebacks(self, *, since: datetime) -> Sequence[ChargeBackReport]:
        with _asking() as client:
            found = client.v1.disputes.list(
                {"created": {"gte": int(since.timestamp())}, "limit": 100}
            )
            plain = [_plain(one) for one in found.auto_paging_iter()]
            # An inquiry ("warning…") has taken nothing yet.
            return [chargeback_of(one) for one in plain if not one["status"].startswith("warning")]

    def payout(
        self, *, key: uuid.UUID, amount_minor: int, currency: str, account: str
    ) -> PayoutReport:
        amount = _amount(amount_minor, currency)
        with _asking() as client:
            sent = client.v1.transfers.list({"transfer_group": str(key), "limit": 1})
            known = list(sent.data)
            transfer = _plain(
                known[0]
                if known
                else client.v1.transfers.create(
                    {
                        "amount": amount,
                        "currency": currency.lower(),
                        "destination": account,
                        "transfer_group": str(key),
                    },
                    {"idempotency_key": str(key)},
                )
            )
            return PayoutReport(
                key=str(key),
                ref=transfer["id"],
                state="failed" if transfer.get("reversed") else "paid",
                amount_minor=from_stripe(transfer["amount"], currency),
                currency=currency,
            )

    def verify(self, *, headers: Mapping[str, str], body: bytes) -> str:
        given = {name.lower(): value for name, value in headers.items()}
        try:
            event = stripe.Webhook.construct_event(
                body,
                given.get("stripe-signature", ""),
                settings.STRIPE_WEBHOOK_SECRET,
                api_key=settings.STRIPE_SECRET_KEY,
            )
            return str(event.id)
        except stripe.SignatureVerificationError:
            raise BadSignature from None
        except (ValueError, AttributeError, TypeError, KeyError) as error:
            raise Unreadable from error

    def read(self, body: bytes) -> Report | None:
        try:
            event = json.loads(body)
            kind, about = event["type"], event["data"]["object"]
            return report_of(kind, about)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Unreadable from error


class _Declined(Rejected):
    """The card was asked, and its bank said no."""


@contextmanager
def _asking() -> Iterator[stripe.StripeClient]:
    """Give the library's client, and tell its errors apart as we do."""
    if not connection.in_atomic_block:
        # The answer may take seconds; others need the connection to the database meanwhile.
        connection.close()
    base = {"api": settings.STRIPE_API_BASE} if settings.STRIPE_API_BASE else {}
    try:
        yield stripe.StripeClient(
            settings.STRIPE_SECRET_KEY,
            base_addresses=base,  # type: ignore[arg-type]  # the other addresses are not asked
            http_client=_http(settings.PAYMENTS_TIMEOUT_SECONDS),
            max_network_retries=0,
        )
    except stripe.CardError as error:
        raise _Declined(_decline_code(error)) from error
    except stripe.InvalidRequestError as error:
        if error.http_status == 404:
            raise Unheard from error
        raise Rejected(error.code or "invalid_request") from error
    except stripe.StripeError as error:
        raise NoAnswer(f"{type(error).__name__} {error.http_status or ''}".strip()) from error
    except (KeyError, TypeError, AttributeError, NotPossible) as error:
        raise NoAnswer(f"unreadable answer: {error!r}") from error


@cache
def _http(timeout: float) -> stripe.RequestsClient:
    # Not its httpx client, which uses httpx in a way that is deprecated there.
    return stripe.RequestsClient(timeout=timeout)


def _amount(amount_minor: int, currency: str) -> int:
    try:
        return to_stripe(amount_minor, currency)
    except NotPossible:
        raise Rejected("amount_not_possible") from None


def _decline_code(error: stripe.CardError) -> str:
    answer: Any = error.json_body
    said = answer.get("error", {}) if isinstance(answer, dict) else {}
    code = said.get("decline_code") or error.code or "card_declined"
    return "card_declined" if code == "generic_decline" else str(code)


def _plain(found: stripe.StripeObject) -> dict[str, Any]:
    plain: dict[str, Any] = found.to_dict()
    return plain
