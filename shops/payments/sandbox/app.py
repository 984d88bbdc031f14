"""The HTTP door of the sandbox provider, and the background task that delivers its webhooks."""

import asyncio
import hmac
import json
import logging
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any

import httpx
from standardwebhooks import Webhook
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from shops.payments.sandbox.cards import BY_TOKEN
from shops.payments.sandbox.keys import api_key
from shops.payments.sandbox.store import Charge, Conflict, Delivery, NotPossible, Refund, Store

log = logging.getLogger("sandbox")
_MAX_BODY = 16_384
_MAX_AMOUNT = 10**12
_TICK = 0.1

Endpoint = Callable[[Request], Awaitable[JSONResponse]]


@dataclass(frozen=True, kw_only=True)
class Config:
    """`delay`: seconds until the slow card is paid; `stall`: how long the stalling one waits."""

    secret: str
    webhook_url: str
    state: Path
    delay: float = 3.0
    stall: float = 10.0


class _Bad(Exception):
    def __init__(self, status: int, code: str) -> None:
        self.status = status
        self.code = code
        super().__init__(code)


def make_app(config: Config) -> Starlette:
    store = Store(config.state)
    expected = f"Bearer {api_key(config.secret)}".encode()

    def door(endpoint: Endpoint) -> Endpoint:
        """Let only callers in who know the key, and answer every refusal in one shape."""

        @wraps(endpoint)
        async def checked(request: Request) -> JSONResponse:
            given = request.headers.get("authorization", "").encode()
            try:
                if not hmac.compare_digest(given, expected):
                    raise _Bad(401, "unauthorized")
                return await endpoint(request)
            except _Bad as bad:
                return JSONResponse({"error": bad.code}, status_code=bad.status)
            except Conflict:
                return JSONResponse({"error": "key_used_for_something_else"}, status_code=422)
            except NotPossible as no:
                return JSONResponse({"error": no.code}, status_code=422)

        return checked

    @door
    async def charge(request: Request) -> JSONResponse:
        key, body = _key(request), await _body(request)
        amount, currency = _money(body)
        card = BY_TOKEN.get(str(body.get("card_token")))
        if card is None:
            raise _Bad(422, "unknown_card")
        now = time.time()
        made, is_new = store.make_charge(
            key=key,
            amount_minor=amount,
            currency=currency,
            card=card,
            now=now,
            delay=config.delay,
            tell_at=now + config.stall if card.stalls else now,
        )
        if card.stalls and is_new:
            await asyncio.sleep(config.stall)
        return _answer(made, 201 if is_new else 200)

    @door
    async def show_charge(request: Request) -> JSONResponse:
        return _answer(store.charge(request.path_params["key"]))

    @door
    async def cancel_charge(request: Request) -> JSONResponse:
        return _answer(store.cancel_charge(request.path_params["key"], now=time.time()))

    @door
    async def refund(request: Request) -> JSONResponse:
        key, body = _key(request), await _body(request)
        amount, currency = _money(body)
        made = store.make_refund(
            key=key,
            charge_key=str(body.get("charge")),
            amount_minor=amount,
            currency=currency,
            now=time.time(),
        )
        return _answer(made, 201)

    @door
    async def show_refund(request: Request) -> JSONResponse:
        return _answer(store.refund(request.path_params["key"]))

    async def health(request: Request) -> JSONResponse:
        return JSONResponse({"ok": True})

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(_deliver(store, config))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            store.close()

    return Starlette(
        routes=[
            Route("/health", health),
            Route("/v1/charges", charge, methods=["POST"]),
            Route("/v1/charges/{key}", show_charge),
            Route("/v1/charges/{key}/cancel", cancel_charge, methods=["POST"]),
            Route("/v1/refunds", refund, methods=["POST"]),
            Route("/v1/refunds/{key}", show_refund),
        ],
        lifespan=lifespan,
    )


def _key(request: Request) -> str:
    key = request.headers.get("idempotency-key", "")
    if not re.fullmatch(r"[\x21-\x7e]{8,80}", key):
        raise _Bad(400, "idempotency_key_required")
    return key


async def _body(request: Request) -> dict[str, Any]:
    received = b""
    async for chunk in request.stream():
        received += chunk
        if len(received) > _MAX_BODY:
            raise _Bad(413, "too_large")
    try:
        body = json.loads(received)
    except ValueError:
        raise _Bad(400, "not_json") from None
    if not isinstance(body, dict):
        raise _Bad(400, "not_json")
    return body


def _money(body: dict[str, Any]) -> tuple[int, str]:
    amount, currency = body.get("amount_minor"), body.get("currency")
    if not isinstance(amount, int) or isinstance(amount, bool) or not 0 < amount <= _MAX_AMOUNT:
        raise _Bad(422, "bad_amount")
    if not isinstance(currency, str) or not re.fullmatch("[A-Z]{3}", currency):
        raise _Bad(422, "bad_currency")
    return amount, currency


def _answer(found: Charge | Refund | None, status: int = 200) -> JSONResponse:
    if found is None:
        raise _Bad(404, "not_found")
    return JSONResponse(asdict(found), status_code=status)


async def _deliver(store: Store, config: Config) -> None:
    """Send webhooks until cancelled; what is not taken in is tried again, a few times."""
    webhook = Webhook(config.secret)
    async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
        while True:
            now = time.time()
            store.settle_due(now)
            due = store.due_deliveries(now)
            await asyncio.gather(
                *(_send(store, client, webhook, config.webhook_url, delivery) for delivery in due)
            )
            await asyncio.sleep(_TICK)


async def _send(
    store: Store, client: httpx.AsyncClient, webhook: Webhook, url: str, delivery: Delivery
) -> None:
    at = datetime.now(UTC)
    headers = {
        "content-type": "application/json",
        "webhook-id": delivery.id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": webhook.sign(delivery.id, at, delivery.body),
    }
    try:
        answer = await client.post(url, content=delivery.body, headers=headers)
        taken_in = answer.is_success
        said = str(answer.status_code)
    except httpx.HTTPError as error:
        taken_in, said = False, type(error).__name__
    if taken_in:
        store.delivered(delivery)
    else:
        log.warning("webhook %s was not taken in: %s", delivery.id, said)
        store.not_delivered(delivery, now=time.time())
