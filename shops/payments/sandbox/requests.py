"""What a request to the sandbox provider must look like."""

import json
import re
from typing import Any

from starlette.requests import Request

_MAX_BODY = 16_384
_MAX_AMOUNT = 10**12


class Bad(Exception):
    def __init__(self, status: int, code: str) -> None:
        self.status = status
        self.code = code
        super().__init__(code)


def key(request: Request) -> str:
    given = request.headers.get("idempotency-key", "")
    if not re.fullmatch(r"[\x21-\x7e]{8,80}", given):
        raise Bad(400, "idempotency_key_required")
    return given


async def body(request: Request) -> dict[str, Any]:
    received = b""
    async for chunk in request.stream():
        received += chunk
        if len(received) > _MAX_BODY:
            raise Bad(413, "too_large")
    try:
        found = json.loads(received)
    except ValueError:
        raise Bad(400, "not_json") from None
    if not isinstance(found, dict):
        raise Bad(400, "not_json")
    return found


def money(found: dict[str, Any]) -> tuple[int, str]:
    amount, currency = found.get("amount_minor"), found.get("currency")
    if not isinstance(amount, int) or isinstance(amount, bool) or not 0 < amount <= _MAX_AMOUNT:
        raise Bad(422, "bad_amount")
    if not isinstance(currency, str) or not re.fullmatch("[A-Z]{3}", currency):
        raise Bad(422, "bad_currency")
    return amount, currency


def text(found: dict[str, Any], name: str, *, longest: int = 500) -> str:
    given = found.get(name, "")
    if not isinstance(given, str) or len(given) > longest:
        raise Bad(422, f"bad_{name}")
    return given


def return_url(found: dict[str, Any]) -> str:
    given = text(found, "return_url")
    if given and not re.match(r"https?://[^\s]+$", given):
        raise Bad(422, "bad_return_url")
    return given
