"""A small server that speaks as Stripe's API does, over HTTP, for what our adapter asks of it.

It runs in a thread of the test's process. It keeps what tests look at: what was asked, how often
cards were charged, and the events that Stripe would send; `signed` signs them as Stripe does.
"""

import contextlib
import hashlib
import hmac
import json
import re
import threading
import time
import uuid
from typing import Any
from urllib.parse import parse_qsl

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.servers import free_port

SECRET = "sk_test_liveshop"
DECLINES = {
    "pm_card_visa_chargeDeclined": "generic_decline",
    "pm_card_visa_chargeDeclinedInsufficientFunds": "insufficient_funds",
}


class StripeLike:
    def __init__(self) -> None:
        self.port = free_port()
        self.forget()
        config = uvicorn.Config(
            Starlette(routes=[Route("/{path:path}", self._door, methods=["GET", "POST"])]),
            host="127.0.0.1",
            port=self.port,
            log_level="error",
            lifespan="off",
            ws="none",
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def forget(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.answers: dict[str, tuple[str, int, dict[str, Any]]] = {}
        self.events: list[dict[str, Any]] = []
        self.asked: list[str] = []
        # What the next requests get instead: "500", or "lost" (done, and the answer thrown away).
        self.faults: list[str] = []

    def start(self) -> "StripeLike":
        self._thread.start()
        deadline = time.monotonic() + 10
        while not self._server.started:
            assert time.monotonic() < deadline, "it did not start"
            time.sleep(0.01)
        return self

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)

    def forget_keys(self) -> None:
        """Do what Stripe does with idempotency keys after a day."""
        self.answers.clear()

    # --- what the world does -----------------------------------------------------------------
    def answer_bank(self, intent_id: str, *, confirms: bool) -> None:
        intent = self.objects[intent_id]
        assert intent["status"] == "requires_action"
        intent["next_action"] = None
        if confirms:
            self._take(intent)
        else:
            intent["status"] = "requires_payment_method"
            intent["last_payment_error"] = {"code": "payment_intent_authentication_failure"}
            self._tell("payment_intent.payment_failed", intent)

    def pay_hosted(self, session_id: str, *, card: str = "pm_card_visa") -> dict[str, Any]:
        """A buyer types a card in on the hosted page; a declined one may be followed by another."""
        session = self.objects[session_id]
        if session["payment_intent"] is None:
            session["payment_intent"] = self._new_intent(
                session["amount_total"],
                session["currency"],
                session["wanted"]["metadata"],
                session["wanted"].get("capture_method", "automatic"),
            )["id"]
        intent = self.objects[session["payment_intent"]]
        if card in DECLINES:
            intent["status"] = "requires_payment_method"
            intent["last_payment_error"] = {"code": "card_declined"}
            self._tell("payment_intent.payment_failed", intent)
        else:
            self._take(intent)
            session["status"] = "complete"
        return intent

    def dispute(self, intent_id: str, *, status: str = "needs_response") -> dict[str, Any]:
        intent = self.objects[intent_id]
        made = self._keep(
            "dp",
            object="dispute",
            payment_intent=intent_id,
            amount=intent["amount_received"],
            currency=intent["currency"],
            reason="fraudulent",
            status=status,
            metadata={},
        )
        self._tell("charge.dispute.funds_withdrawn", made)
        return made

    def close_dispute(self, dispute: dict[str, Any], *, status: str) -> None:
        """Have the bank decide: the shop is told twice of what it won."""
        dispute["status"] = status
        self._tell("charge.dispute.closed", dispute)
        if status == "won":
            self._tell("charge.dispute.funds_reinstated", dispute)

    def send_back(self, refund_id: str, *, kind: str) -> None:
        """Have the buyer's bank send a refund back that it had taken."""
        refund = self.objects[refund_id]
        refund |= {"status": "failed", "failure_reason": "expired_or_canceled_card"}
        self._tell(kind, refund)

    # --- what Stripe's API does --------------------------------------------------------------
    async def _door(self, request: Request) -> Response:
        path = request.url.path.removeprefix("/v1/")
        given = (await request.body()).decode()
        self.asked.append(f"{request.method} {path}")
        fault = self.faults.pop(0) if self.faults else ""
        if request.headers.get("authorization") != f"Bearer {SECRET}":
            return JSONResponse({"error": {"type": "invalid_request_error"}}, status_code=401)
        if fault == "500":
            return JSONResponse({"error": {"type": "api_error"}}, status_code=500)
        key = request.headers.get("idempotency-key", "")
        content = f"{path}?{given}"
        if key and key in self.answers:
            before, status, body = self.answers[key]
            if before != content:
                status, body = 400, {"error": {"type": "idempotency_error", "message": "differs"}}
        else:
            status, body = self._do(request.method, path, nested(given), request.query_params)
            if key:
                self.answers[key] = (content, status, json.loads(json.dumps(body)))
        if fault == "lost":
            return JSONResponse({"error": {"type": "api_error"}}, status_code=502)
        return JSONResponse(body, status_code=status)

    def _do(self, method: str, path: str, body: dict[str, Any], query: Any) -> tuple[int, Any]:
        parts = path.split("/")
        if method == "POST" and path == "payment_intents":
            assert body["metadata"]["key"]
            if body["payment_method"] == "pm_nobodys":
                return 404, {"error": {"type": "invalid_request_error", "code": "resource_missing"}}
            intent = self._new_intent(
                int(body["amount"]),
                body["currency"],
                body["metadata"],
                body["capture_method"],
                payment_method=body["payment_method"],
            )
            intent["status"] = "requires_confirmation"
            return 200, intent
        if method == "POST" and path == "checkout/sessions":
            [line] = body["line_items"].values()
            price = line["price_data"]
            session = self._keep(
                "cs",
                object="checkout.session",
                status="open",
                currency=price["currency"],
                amount_total=int(price["unit_amount"]),
                payment_intent=None,
                wanted=body["payment_intent_data"],
                metadata=body["metadata"],
            )
            session["url"] = f"{self.url}/pay/{session['id']}"
            return 200, session
        if method == "POST" and path == "refunds":
            return self._refund(body)
        if method == "POST" and path == "transfers":
            if body["destination"] == "acct_unknown":
                return 400, {"error": {"type": "invalid_request_error", "code": "account_invalid"}}
            return 200, self._keep(
                "tr", object="transfer", **body | {"amount": int(body["amount"])}, reversed=False
            )
        if method == "GET" and path in ("refunds", "transfers", "disputes"):
            wanted = {n: v for n, v in query.items() if n in ("payment_intent", "transfer_group")}
            kind = path.removesuffix("s")
            found = [
                one
                for one in self.objects.values()
                if one["object"] == kind and wanted.items() <= one.items()
            ]
            return 200, {"object": "list", "data": found, "has_more": False, "url": f"/v1/{path}"}
        found = self.objects.get(parts[-1] if method == "GET" else parts[-2])
        if found is None:
            return 404, {"error": {"type": "invalid_request_error", "code": "resource_missing"}}
        if method == "GET":
            if found["object"] == "checkout.session" and found["payment_intent"]:
                return 200, found | {"payment_intent": self.objects[found["payment_intent"]]}
            return 200, found
        return getattr(self, f"_{parts[-1]}")(found, body)

    def _confirm(self, intent: dict[str, Any], body: dict[str, Any]) -> tuple[int, Any]:
        assert body["return_url"].startswith("http")
        if intent["status"] != "requires_confirmation":
            return self._wrong_state(intent)
        card = intent["payment_method"]
        if card in DECLINES:
            said = {"code": "card_declined", "decline_code": DECLINES[card]}
            intent["status"], intent["last_payment_error"] = "requires_payment_method", said
            self._tell("payment_intent.payment_failed", intent)
            error = {"type": "card_error", **said, "payment_intent": intent}
            return 402, {"error": error}
        if card == "pm_card_authenticationRequired":
            intent["status"] = "requires_action"
            intent["next_action"] = {
                "type": "redirect_to_url",
                "redirect_to_url": {"url": f"{self.url}/bank/{intent['id']}"},
            }
            self._tell("payment_intent.requires_action", intent)
        else:
            self._take(intent)
        return 200, intent

    def _capture(self, intent: dict[str, Any], body: dict[str, Any]) -> tuple[int, Any]:
        if intent["status"] != "requires_capture":
            return self._wrong_state(intent)
        intent["status"], intent["amount_received"] = "succeeded", int(body["amount_to_capture"])
        self._tell("payment_intent.succeeded", intent)
        return 200, intent

    def _cancel(self, intent: dict[str, Any], body: dict[str, Any]) -> tuple[int, Any]:
        if intent["status"] in ("succeeded", "canceled"):
            return self._wrong_state(intent)
        intent["status"] = "canceled"
        self._tell("payment_intent.canceled", intent)
        return 200, intent

    def _expire(self, session: dict[str, Any], body: dict[str, Any]) -> tuple[int, Any]:
        if session["status"] != "open":
            return self._wrong_state(session)
        session["status"], session["url"] = "expired", None
        return 200, session

    def _refund(self, body: dict[str, Any]) -> tuple[int, Any]:
        intent = self.objects[body["payment_intent"]]
        given = sum(
            one["amount"]
            for one in self.objects.values()
            if one["object"] == "refund" and one["payment_intent"] == intent["id"]
        )
        if given + int(body["amount"]) > intent["amount_received"]:
            return 400, {
                "error": {"type": "invalid_request_error", "code": "charge_already_refunded"}
            }
        made = self._keep(
            "re",
            object="refund",
            status="succeeded",
            payment_intent=intent["id"],
            amount=int(body["amount"]),
            currency=intent["currency"],
            metadata=body["metadata"],
        )
        self._tell("refund.created", made)
        return 200, made

    def _wrong_state(self, found: dict[str, Any]) -> tuple[int, Any]:
        code = "payment_intent_unexpected_state"
        return 400, {"error": {"type": "invalid_request_error", "code": code}}

    def _new_intent(
        self,
        amount: int,
        currency: str,
        metadata: dict[str, str],
        capture_method: str,
        payment_method: str = "",
    ) -> dict[str, Any]:
        return self._keep(
            "pi",
            object="payment_intent",
            amount=amount,
            amount_received=0,
            currency=currency,
            metadata=metadata,
            capture_method=capture_method,
            payment_method=payment_method,
            status="requires_payment_method",
            next_action=None,
            last_payment_error=None,
        )

    def _take(self, intent: dict[str, Any]) -> None:
        intent["charged"] = intent.get("charged", 0) + 1
        if intent["capture_method"] == "manual":
            intent["status"] = "requires_capture"
            self._tell("payment_intent.amount_capturable_updated", intent)
        else:
            intent["status"], intent["amount_received"] = "succeeded", intent["amount"]
            self._tell("payment_intent.succeeded", intent)

    def _keep(self, prefix: str, **fields: Any) -> dict[str, Any]:
        made = {"id": f"{prefix}_{uuid.uuid4().hex[:24]}", "created": int(time.time()), **fields}
        self.objects[made["id"]] = made
        return made

    def _tell(self, kind: str, about: dict[str, Any]) -> None:
        self.events.append(
            {
                "id": f"evt_{uuid.uuid4().hex[:24]}",
                "object": "event",
                "api_version": "2025-01-01",
                "type": kind,
                "created": int(time.time()),
                "data": {"object": json.loads(json.dumps(about))},
            }
        )


def nested(text: str) -> dict[str, Any]:
    """Read Stripe's forms: `a[b][c]=d`."""
    found: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        *above, last = re.findall(r"[^\[\]]+", name)
        into = found
        for part in above:
            into = into.setdefault(part, {})
        into[last] = value
    return found


def signed(body: bytes, *, secret: str, at: float | None = None) -> dict[str, str]:
    """Sign a body as Stripe does: HMAC-SHA256 over "time.body"."""
    seconds = int(time.time() if at is None else at)
    mac = hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return {"stripe-signature": f"t={seconds},v1={mac}"}


@contextlib.contextmanager
def running():
    server = StripeLike().start()
    try:
        yield server
    finally:
        server.stop()
