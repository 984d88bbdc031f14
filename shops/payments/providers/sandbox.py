"""Talking to the sandbox provider over HTTP; every request carries the key that makes it safe."""

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final, TypeVar

import msgspec
from django.conf import settings
from django.db import connection
from standardwebhooks import Webhook, WebhookVerificationError

from shops.payments.providers import (
    Ask,
    BadSignature,
    Choice,
    NoAnswer,
    Rejected,
    Unheard,
    Unreadable,
)
from shops.payments.providers.connections import Broken, Connections, Reply
from shops.payments.sandbox.cards import CARDS
from shops.payments.sandbox.keys import api_key
from shops.payments.wire import ChargeBackReport, ChargeReport, PayoutReport, RefundReport, Report

_Answer = TypeVar("_Answer", bound=msgspec.Struct)
_Report = TypeVar("_Report", ChargeReport, RefundReport, PayoutReport)
# Answers that say nothing about what became of the request.
# 404 is one: to a request that makes something it comes from whoever stands before the provider.
_UNCLEAR = frozenset({401, 403, 404, 408, 409, 425, 429})
_KINDS: Final[dict[str, type[Report]]] = {
    "charge": ChargeReport,
    "refund": RefundReport,
    "chargeback": ChargeBackReport,
}


class _Message(msgspec.Struct, frozen=True):
    """A webhook's envelope; `data` is read once its type is known."""

    type: str
    data: msgspec.Raw


class _Chargebacks(msgspec.Struct, frozen=True):
    chargebacks: list[ChargeBackReport]


# Each is worked out once for a secret.
_api_key = cache(api_key)
_webhook = cache(Webhook)


class Sandbox:
    name = "sandbox"

    def choices(self) -> Sequence[Choice]:
        return [Choice(card.token, card.label) for card in CARDS]

    def page_url(self, ref: str) -> str:
        return f"{settings.PAYMENTS_SANDBOX_URL}/charges/{ref}"

    def prepare(self, ask: Ask) -> str:
        return ""  # it finds its charges by our key alone

    def charge(self, ask: Ask) -> ChargeReport:
        body = {
            "amount_minor": ask.amount_minor,
            "currency": ask.currency,
            "card_token": ask.card_token,
            "capture": not ask.is_manual,
            "return_url": ask.return_url,
            "description": ask.description,
        }
        return _about(ask.key, _ask("POST", "/v1/charges", key=ask.key, body=body), ChargeReport)

    def find(self, *, key: uuid.UUID, ref: str) -> ChargeReport:
        return _about(key, _ask("GET", f"/v1/charges/{key}", unheard=404), ChargeReport)

    def capture(
        self, *, key: uuid.UUID, ref: str, amount_minor: int, currency: str
    ) -> ChargeReport:
        body = {"amount_minor": amount_minor, "currency": currency}
        return _about(key, _ask("POST", f"/v1/charges/{key}/capture", body=body), ChargeReport)

    def cancel(self, *, key: uuid.UUID, ref: str) -> ChargeReport:
        return _about(key, _ask("POST", f"/v1/charges/{key}/cancel"), ChargeReport)

    def refund(
        self,
        *,
        key: uuid.UUID,
        charge_key: uuid.UUID,
        charge_ref: str,
        amount_minor: int,
        currency: str,
    ) -> RefundReport:
        body = {"charge": str(charge_key), "amount_minor": amount_minor, "currency": currency}
        return _about(key, _ask("POST", "/v1/refunds", key=key, body=body), RefundReport)

    def chargebacks(self, *, since: datetime) -> Sequence[ChargeBackReport]:
        answer = _ask("GET", f"/v1/chargebacks?since={since.timestamp()}")
        return _read(answer, _Chargebacks).chargebacks

    def payout(
        self, *, key: uuid.UUID, amount_minor: int, currency: str, account: str
    ) -> PayoutReport:
        body = {"amount_minor": amount_minor, "currency": currency, "account": account}
        return _about(key, _ask("POST", "/v1/payouts", key=key, body=body), PayoutReport)

    def verify(self, *, headers: Mapping[str, str], body: bytes) -> str:
        given = dict(headers)
        try:
            _webhook(settings.PAYMENTS_SANDBOX_SECRET).verify(body, given, json_parse=False)
        except (WebhookVerificationError, ValueError):
            # ValueError: a header or body that can't even be read as what it should be.
            raise BadSignature from None
        return next(given[name] for name in given if name.lower() == "webhook-id")

    def read(self, body: bytes) -> Report | None:
        try:
            message = msgspec.json.decode(body, type=_Message)
            kind = _KINDS.get(message.type.partition(".")[0])
            return msgspec.json.decode(message.data, type=kind) if kind else None
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise Unreadable from error


@cache
def _connections(url: str) -> Connections:
    return Connections(url)


def _ask(
    method: str,
    path: str,
    *,
    key: uuid.UUID | None = None,
    body: dict[str, Any] | None = None,
    unheard: int | None = None,
) -> Reply:
    if not connection.in_atomic_block:
        # The answer may take seconds; others need the connection to the database meanwhile.
        connection.close()
    headers = {"Authorization": f"Bearer {_api_key(settings.PAYMENTS_SANDBOX_SECRET)}"}
    if key is not None:
        headers["Idempotency-Key"] = str(key)
    if body is not None:
        headers["Content-Type"] = "application/json"
    try:
        answer = _connections(settings.PAYMENTS_SANDBOX_URL).ask(
            method,
            path,
            body=None if body is None else msgspec.json.encode(body),
            headers=headers,
            timeout=settings.PAYMENTS_TIMEOUT_SECONDS,
        )
    except Broken as error:
        raise NoAnswer(str(error)) from error
    if 200 <= answer.status < 300:
        return answer
    if answer.status == unheard:
        raise Unheard
    if 400 <= answer.status < 500 and answer.status not in _UNCLEAR:
        raise Rejected(_reason(answer))
    raise NoAnswer(f"status {answer.status}")


def _read(answer: Reply, kind: type[_Answer]) -> _Answer:
    try:
        return msgspec.json.decode(answer.content, type=kind)
    except msgspec.MsgspecError as error:
        raise NoAnswer(f"unreadable answer: {error}") from error


def _about(key: uuid.UUID, answer: Reply, kind: type[_Report]) -> _Report:
    """Read what is said about what was asked for: on a connection that is kept, more may come."""
    report = _read(answer, kind)
    if report.key != str(key):
        raise NoAnswer("the answer is about something else")
    return report


def _reason(answer: Reply) -> str:
    try:
        return str(json.loads(answer.content)["error"])
    except (ValueError, KeyError, TypeError):
        return f"status_{answer.status}"
