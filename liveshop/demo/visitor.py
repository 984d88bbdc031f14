"""One visitor of the site as a browser would be: signs in, keeps a socket open, buys by forms."""

import asyncio
import html
import json
import logging
import re
import ssl
import uuid
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import websockets
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

log = logging.getLogger("liveshop.crowd")
JSON: Final = {"Accept": "application/json"}


class NotSignedIn(Exception):
    """The site refused the e-mail and password."""


# What may go wrong with a line to the site, and is tried again.
TROUBLE: Final = (OSError, httpx.HTTPError, WebSocketException, NotSignedIn, TimeoutError)


def transport() -> httpx.AsyncHTTPTransport:
    """Make the connections that all visitors share."""
    limits = httpx.Limits(max_connections=12, max_keepalive_connections=12)
    return httpx.AsyncHTTPTransport(verify=ssl.create_default_context(), limits=limits)


class Visitor:
    """Cookies, a CSRF token and a name of one signed-in person."""

    def __init__(
        self, *, url: str, email: str, password: str, via: httpx.AsyncHTTPTransport
    ) -> None:
        self.url = url.rstrip("/")
        self.email = email
        self._password = password
        self.http = httpx.AsyncClient(
            base_url=self.url,
            transport=_Shared(via),
            headers={"Referer": f"{self.url}/", "User-Agent": "liveshop-crowd"},
            timeout=20,
            trust_env=False,
        )

    async def close(self) -> None:
        await self.http.aclose()

    @property
    def is_signed_in(self) -> bool:
        return "sessionid" in self.http.cookies

    async def sign_in(self) -> None:
        """Fill in the sign-in form.

        :raises NotSignedIn: the site did not take it
        """
        self.http.cookies.clear()
        await self.http.get("/accounts/login/")
        answer = await self.post(
            "/accounts/login/", {"login": self.email, "password": self._password}
        )
        if answer.status_code != 302 or not self.is_signed_in:
            raise NotSignedIn(f"{self.email}: status {answer.status_code}")

    async def post(
        self, path: str, data: dict[str, Any], *, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """Send a form with its CSRF token, as the page's own form does."""
        token = self.http.cookies.get("csrftoken", "")
        return await self.http.post(
            path, data={**data, "csrfmiddlewaretoken": token}, headers=headers
        )

    def socket(self, piece_id: int) -> connect:
        """Open the show's websocket with the session's cookie and the site as origin."""
        parts = urlsplit(self.url)
        cookies = "; ".join(f"{name}={value}" for name, value in self.http.cookies.items())
        return connect(
            f"ws://{parts.netloc}/ws/live/{piece_id}/",
            origin=websockets.Origin(self.url),
            additional_headers={"Cookie": cookies},
            compression=None,
            proxy=None,
            max_size=4 * 2**20,
            # The site's frames come all the time; a dead one is found by TCP on this machine.
            ping_interval=None,
            close_timeout=2,
        )

    async def buy(self, *, sku_id: int, referral: str, card: str) -> str | None:
        """Go from the cart to a placed order; return its number, None when it was refused."""
        added = await self.post(
            "/cart/add/",
            {"sku": sku_id, "quantity": 1, "referral": referral},
            headers=JSON,
        )
        if added.status_code != 200:
            return None
        page = await self.http.get("/checkout/")
        place = re.search(r'action="(/checkout/[0-9a-f-]{36}/place/)"', page.text)
        if page.status_code != 200 or place is None:
            return None
        # Looks at the total first, as people do.
        await asyncio.sleep(1)
        fields = _fields(page.text)
        placed = await self.post(
            place.group(1),
            {**fields, "card_token": card},
            headers={**JSON, "Idempotency-Key": uuid.uuid4().hex},
        )
        return str(placed.json()["number"]) if placed.status_code == 201 else None

    async def pay_again(self, number: str, *, card: str) -> bool:
        answer = await self.post(
            f"/orders/{number}/pay/",
            {"card_token": card},
            headers={"Idempotency-Key": uuid.uuid4().hex},
        )
        return answer.status_code < 400


class _Shared(httpx.AsyncBaseTransport):
    """Lets a visitor close their client without closing everybody's connections."""

    def __init__(self, inner: httpx.AsyncHTTPTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._inner.handle_async_request(request)


def _fields(page: str) -> dict[str, str]:
    """Read the first address to choose and the key of the checkout form."""
    found = {}
    for name in ("address_choice", "idempotency_key"):
        for tag in re.findall(rf'<input[^>]*name="{name}"[^>]*>', page):
            value = re.search(r'value="([^"]*)"', tag)
            if value:
                found[name] = html.unescape(value.group(1))
                break
    return found


async def say(socket: ClientConnection, message: dict[str, Any]) -> None:
    await socket.send(json.dumps(message))
