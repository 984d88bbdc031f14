"""A process of the bench: browsers (or programs) that buy one SKU over HTTP, and how long it takes.

Each buys once: puts it in the cart, goes to the checkout, orders and pays. Reads what to do from
its first argument and prints what came of it, both JSON. Its own small HTTP client: a library's
would take as much of the machine as the shop does.
"""

import asyncio
import json
import re
import sys
import time
import uuid
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

import uvloop

from benchmarks.checkout.goods import ADDRESS

_CSRF: Final = "c" * 32
_PLACE: Final = re.compile(r'action="(/checkout/[0-9a-f-]{36}/place/)"')
_HIDDEN: Final = {
    name: re.compile(rf'name="{name}"[^>]*? value="([^"]*)"')
    for name in ("idempotency_key", "signature", "address_choice")
}
_PATIENCE_SECONDS: Final = 60.0


class Unexpected(Exception):
    """An answer that is neither what was asked for nor "sold out" or "busy"."""


class SoldOut(Exception):
    pass


class Busy(Exception):
    pass


@dataclass
class Connection:
    """One connection to a web process, kept open; `cookie` is whose browser it is at the moment."""

    port: int
    cookie: str = ""
    reader: asyncio.StreamReader = field(init=False)
    writer: asyncio.StreamWriter = field(init=False)

    async def open(self) -> None:
        self.reader, self.writer = await asyncio.open_connection(
            "127.0.0.1", self.port, limit=2**20
        )

    async def ask(
        self, method: str, path: str, *, body: bytes = b"", **headers: str
    ) -> tuple[int, str]:
        """Send a request and read its answer."""
        lines = [
            f"{method} {path} HTTP/1.1",
            f"Host: 127.0.0.1:{self.port}",
            f"Origin: http://127.0.0.1:{self.port}",
            f"Cookie: {self.cookie}; csrftoken={_CSRF}",
            f"X-CSRFToken: {_CSRF}",
            f"Content-Length: {len(body)}",
            *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
        ]
        self.writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        status = int(head[9:12])
        length = re.search(r"\r\ncontent-length: (\d+)", head)
        if length is not None:
            answer = await self.reader.readexactly(int(length[1]))
        elif "transfer-encoding: chunked" in head:
            answer = await self._chunks()
        else:
            answer = b""
        if status == 503:
            raise Busy
        return status, answer.decode()

    async def _chunks(self) -> bytes:
        found = b""
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            found += await self.reader.readexactly(size)
            await self.reader.readexactly(2)
        await self.reader.readexactly(2)
        return found

    async def post(self, path: str, fields: dict[str, Any]) -> tuple[int, str]:
        return await self.ask(
            "POST",
            path,
            body=urlencode(fields).encode(),
            Content_Type="application/x-www-form-urlencoded",
            Accept="application/json",
        )

    async def send(self, path: str, data: dict[str, Any]) -> tuple[int, str]:
        return await self.ask(
            "POST",
            path,
            body=json.dumps(data).encode(),
            Content_Type="application/json",
            Accept="application/json",
            Idempotency_Key=uuid.uuid4().hex,
        )


async def buy_by_pages(door: Connection, sku_id: int) -> None:
    """Buy as a browser does.

    :raises SoldOut: there is none left
    """
    _right(await door.post("/cart/add/", {"sku": sku_id, "quantity": 1}), 200)
    status, page = await door.ask("GET", "/checkout/", Accept="text/html")
    place = _PLACE.search(page)
    if place is None:
        if status == 409:
            raise SoldOut
        raise Unexpected(f"checkout: {status} {page[:300]}")
    filled = {name: found[1] for name, form in _HIDDEN.items() if (found := form.search(page))}
    _right(await door.post(place[1], {**filled, "card_token": "tok_success"}), 201)


async def buy_by_api(door: Connection, sku_id: int) -> None:
    """Buy as a program does.

    :raises SoldOut: there is none left
    """
    _right(await door.send("/api/v1/cart/lines", {"sku_id": sku_id, "quantity": 1}), 201)
    quote = json.loads(_right(await door.send("/api/v1/quotes", {}), 201))
    order = {
        "address": ADDRESS,
        "card_token": "tok_success",
        "signature": quote["signature"],
    }
    _right(await door.send(f"/api/v1/quotes/{quote['id']}/order", order), 201)


def _right(answer: tuple[int, str], wanted: int) -> str:
    status, text = answer
    if status == wanted:
        return text
    if status == 409 and "out_of_stock" in text:
        raise SoldOut
    raise Unexpected(f"{status} instead of {wanted}: {text[:300]}")


_BUY: Final = {"pages": buy_by_pages, "api": buy_by_api}


async def run(
    *, ports: list[int], cookies: list[str], sku_id: int, in_flight: int, way: str
) -> dict[str, Any]:
    """Have everybody buy once, so many at a time."""
    waiting = iter(cookies)
    took: list[tuple[float, float]] = []
    sold_out = busy = 0
    wrong: list[str] = []
    buy = _BUY[way]

    async def seat(number: int) -> None:
        nonlocal sold_out, busy
        door = Connection(ports[number % len(ports)])
        await door.open()
        for cookie in waiting:
            door.cookie = cookie
            began = time.perf_counter()
            try:
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    await buy(door, sku_id)
            except SoldOut:
                sold_out += 1
            except Busy:
                busy += 1
            except (Unexpected, TimeoutError, OSError, EOFError) as error:
                wrong.append(repr(error))
                door = Connection(door.port)
                await door.open()
            else:
                took.append((began, time.perf_counter()))
        door.writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(seat(number) for number in range(in_flight)))
    return {
        "seconds": time.perf_counter() - began,
        "cpu": time.process_time(),
        "took": [end - start for start, end in took],
        "sold_out": sold_out,
        "busy": busy,
        "wrong": len(wrong),
        "wrongs": wrong[:3],
    }


def main() -> None:
    asked: dict[str, Any] = json.loads(sys.stdin.readline())
    print(json.dumps(uvloop.run(run(**asked))), flush=True)


if __name__ == "__main__":
    main()
