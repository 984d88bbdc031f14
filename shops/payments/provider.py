"""Talking to the sandbox provider over HTTP; every request carries the key that makes it safe."""

import ssl
import uuid
from functools import cache
from typing import Any, TypeVar

import httpx
import msgspec
from django.conf import settings
from django.db import connection

from shops.payments.sandbox.keys import api_key
from shops.payments.wire import ChargeReport, RefundReport

_Report = TypeVar("_Report", ChargeReport, RefundReport)
# Answers that say nothing about what became of the request.
# 404 is one: to a request that makes something it comes from whoever stands before the provider.
_UNCLEAR = frozenset({401, 403, 404, 408, 409, 425, 429})


class NoAnswer(Exception):
    """It is not known whether the provider did what was asked of it."""


class Rejected(Exception):
    """The provider refused and did nothing; `code` is its reason."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


class Unheard(Exception):
    """The provider never heard of the key."""


def charge(*, key: uuid.UUID, amount_minor: int, currency: str, card_token: str) -> ChargeReport:
    """Charge a card, once per key however often it is asked.

    :raises NoAnswer: timeout, broken connection or an error of the provider's
    :raises Rejected: it was not charged
    """
    body = {"amount_minor": amount_minor, "currency": currency, "card_token": card_token}
    return _read(_ask("POST", "/v1/charges", key=key, body=body), ChargeReport)


def find_charge(*, key: uuid.UUID) -> ChargeReport:
    """Ask what became of a charge.

    :raises Unheard: the provider has none under this key
    :raises NoAnswer: as for `charge`
    """
    answer = _ask("GET", f"/v1/charges/{key}", unheard=404)
    return _read(answer, ChargeReport)


def cancel_charge(*, key: uuid.UUID) -> ChargeReport:
    """Have a key blocked that must no longer be charged; if it was charged, learn of that.

    :raises NoAnswer: as for `charge`
    """
    return _read(_ask("POST", f"/v1/charges/{key}/cancel"), ChargeReport)


def refund(
    *, key: uuid.UUID, charge_key: uuid.UUID, amount_minor: int, currency: str
) -> RefundReport:
    """Give money of a charge back, once per key however often it is asked.

    :raises NoAnswer: as for `charge`
    :raises Rejected: nothing was given back
    """
    body = {"charge": str(charge_key), "amount_minor": amount_minor, "currency": currency}
    return _read(_ask("POST", "/v1/refunds", key=key, body=body), RefundReport)


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _ask(
    method: str,
    path: str,
    *,
    key: uuid.UUID | None = None,
    body: dict[str, Any] | None = None,
    unheard: int | None = None,
) -> httpx.Response:
    if not connection.in_atomic_block:
        # The answer may take seconds; others need the connection to the database meanwhile.
        connection.close()
    headers = {"Authorization": f"Bearer {api_key(settings.PAYMENTS_SANDBOX_SECRET)}"}
    if key is not None:
        headers["Idempotency-Key"] = str(key)
    try:
        with httpx.Client(
            base_url=settings.PAYMENTS_SANDBOX_URL,
            timeout=settings.PAYMENTS_TIMEOUT_SECONDS,
            headers=headers,
            verify=_tls(),
            trust_env=False,
        ) as client:
            answer = client.request(method, path, json=body)
    except httpx.HTTPError as error:
        raise NoAnswer(type(error).__name__) from error
    if answer.is_success:
        return answer
    if answer.status_code == unheard:
        raise Unheard
    if answer.is_client_error and answer.status_code not in _UNCLEAR:
        raise Rejected(_reason(answer))
    raise NoAnswer(f"status {answer.status_code}")


def _read(answer: httpx.Response, kind: type[_Report]) -> _Report:
    try:
        return msgspec.json.decode(answer.content, type=kind)
    except msgspec.MsgspecError as error:
        raise NoAnswer(f"unreadable answer: {error}") from error


def _reason(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"])[:60]
    except (ValueError, KeyError, TypeError):
        return f"status_{answer.status_code}"
