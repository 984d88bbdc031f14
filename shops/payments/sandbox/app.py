"""The HTTP door of the sandbox provider."""

import asyncio
import hmac
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from functools import wraps
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from shops.payments.sandbox import payouts, requests
from shops.payments.sandbox.cards import BY_TOKEN
from shops.payments.sandbox.delivering import deliver
from shops.payments.sandbox.keys import api_key
from shops.payments.sandbox.pages import page_routes
from shops.payments.sandbox.records import (
    Charge,
    ChargeBack,
    Conflict,
    NotPossible,
    Payout,
    Refund,
    Times,
    Wish,
)
from shops.payments.sandbox.requests import Bad
from shops.payments.sandbox.store import Store

Endpoint = Callable[[Request], Awaitable[JSONResponse]]


@dataclass(frozen=True, kw_only=True)
class Config:
    """Seconds: `delay` until slow things end, `stall` the stalling card's caller waits, `late` the
    late card's news takes, `charge_back` until the card that charges back does.
    """

    secret: str
    webhook_url: str
    state: Path
    delay: float = 3.0
    stall: float = 10.0
    late: float = 20.0
    charge_back: float = 60.0


def make_app(config: Config) -> Starlette:
    store = Store(
        config.state,
        Times(delay=config.delay, late=config.late, charge_back=config.charge_back),
    )
    expected = f"Bearer {api_key(config.secret)}".encode()

    def door(endpoint: Endpoint) -> Endpoint:
        """Let only callers in who know the key, and answer every refusal in one shape."""

        @wraps(endpoint)
        async def checked(request: Request) -> JSONResponse:
            given = request.headers.get("authorization", "").encode()
            try:
                if not hmac.compare_digest(given, expected):
                    raise Bad(401, "unauthorized")
                return await endpoint(request)
            except Bad as bad:
                return JSONResponse({"error": bad.code}, status_code=bad.status)
            except Conflict:
                return JSONResponse({"error": "key_used_for_something_else"}, status_code=422)
            except NotPossible as no:
                return JSONResponse({"error": no.code}, status_code=422)

        return checked

    @door
    async def charge(request: Request) -> JSONResponse:
        key, body = requests.key(request), await requests.body(request)
        amount, currency = requests.money(body)
        card = BY_TOKEN.get(str(body.get("card_token")))
        if card is None:
            raise Bad(422, "unknown_card")
        wish = Wish(
            key=key,
            amount_minor=amount,
            currency=currency,
            card=card,
            is_manual=body.get("capture") is False,
            return_url=requests.return_url(body),
            description=requests.text(body, "description"),
        )
        now = time.time()
        made, is_new = store.make_charge(
            wish,
            now=now,
            tell_at=now + config.stall if card.stalls else now,
            page_url=f"{request.base_url}3ds/",
        )
        if card.stalls and is_new:
            await asyncio.sleep(config.stall)
        return _answer(made, 201 if is_new else 200)

    @door
    async def show_charge(request: Request) -> JSONResponse:
        return _answer(store.charge(request.path_params["key"]))

    @door
    async def capture(request: Request) -> JSONResponse:
        amount, currency = requests.money(await requests.body(request))
        key = request.path_params["key"]
        return _answer(store.capture(key, amount_minor=amount, currency=currency, now=time.time()))

    @door
    async def cancel_charge(request: Request) -> JSONResponse:
        return _answer(store.cancel_charge(request.path_params["key"], now=time.time()))

    @door
    async def charge_back(request: Request) -> JSONResponse:
        made = store.charge_back(request.path_params["key"], reason="fraudulent", now=time.time())
        return _answer(made, 201)

    @door
    async def win_charge_back(request: Request) -> JSONResponse:
        return _answer(store.win(request.path_params["key"], now=time.time()))

    @door
    async def charge_backs(request: Request) -> JSONResponse:
        try:
            since = float(request.query_params.get("since", "0"))
        except ValueError:
            raise Bad(400, "bad_since") from None
        return JSONResponse({"chargebacks": [asdict(one) for one in store.charge_backs(since)]})

    @door
    async def refund(request: Request) -> JSONResponse:
        key, body = requests.key(request), await requests.body(request)
        amount, currency = requests.money(body)
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

    @door
    async def fail_refund(request: Request) -> JSONResponse:
        return _answer(store.fail_refund(request.path_params["key"], now=time.time()))

    @door
    async def payout(request: Request) -> JSONResponse:
        key, body = requests.key(request), await requests.body(request)
        amount, currency = requests.money(body)
        account = requests.text(body, "account", longest=80)
        if not account:
            raise Bad(422, "bad_account")
        made = payouts.make(
            store.db,
            key=key,
            amount_minor=amount,
            currency=currency,
            account=account,
            now=time.time(),
            delay=config.delay,
        )
        return _answer(made, 201)

    @door
    async def show_payout(request: Request) -> JSONResponse:
        return _answer(payouts.find(store.db, request.path_params["key"], now=time.time()))

    async def health(request: Request) -> JSONResponse:
        return JSONResponse({"ok": True})

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(deliver(store, secret=config.secret, url=config.webhook_url))
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
            Route("/v1/charges/{key}/capture", capture, methods=["POST"]),
            Route("/v1/charges/{key}/cancel", cancel_charge, methods=["POST"]),
            Route("/v1/charges/{key}/chargeback", charge_back, methods=["POST"]),
            Route("/v1/charges/{key}/chargeback/win", win_charge_back, methods=["POST"]),
            Route("/v1/chargebacks", charge_backs),
            Route("/v1/refunds", refund, methods=["POST"]),
            Route("/v1/refunds/{key}", show_refund),
            Route("/v1/refunds/{key}/fail", fail_refund, methods=["POST"]),
            Route("/v1/payouts", payout, methods=["POST"]),
            Route("/v1/payouts/{key}", show_payout),
            *page_routes(store),
        ],
        lifespan=lifespan,
    )


def _answer(found: Charge | Refund | ChargeBack | Payout | None, status: int = 200) -> JSONResponse:
    if found is None:
        raise Bad(404, "not_found")
    return JSONResponse(asdict(found), status_code=status)
