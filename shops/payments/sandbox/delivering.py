"""The background task that ends what is pending and delivers the sandbox's webhooks."""

import asyncio
import logging
import re
import ssl
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

from standardwebhooks import Webhook

from shops.payments.sandbox.records import Delivery
from shops.payments.sandbox.store import Store

log = logging.getLogger("sandbox")
_TICK = 0.1
_PATIENCE_SECONDS: Final = 10.0
_LENGTH: Final = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,9})[ \t]*\r\n", re.IGNORECASE)
_CLOSES: Final = re.compile(rb"\r\nconnection:[ \t]*close", re.IGNORECASE)

_Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def deliver(store: Store, *, secret: str, url: str) -> None:
    """Send webhooks until cancelled; what is not taken in is tried again, a few times."""
    webhook, door = Webhook(secret), _Door(url)
    try:
        while True:
            now = time.time()
            store.settle_due(now)
            due = store.due_deliveries(now)
            await asyncio.gather(*(_send(store, door, webhook, one) for one in due))
            await asyncio.sleep(_TICK)
    finally:
        door.close()


async def _send(store: Store, door: "_Door", webhook: Webhook, delivery: Delivery) -> None:
    at = datetime.now(UTC)
    headers = {
        "content-type": "application/json",
        "webhook-id": delivery.message,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": webhook.sign(delivery.message, at, delivery.body),
    }
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            status = await door.post(delivery.body.encode(), headers)
        taken_in, said = 200 <= status < 300, str(status)
    except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
        taken_in, said = False, type(error).__name__
    if taken_in:
        store.delivered(delivery)
    else:
        log.warning("webhook %s was not taken in: %s", delivery.message, said)
        store.not_delivered(delivery, now=time.time())


class _Door:
    """Whoever takes the webhooks in; connections to it are kept. Only its status is of interest."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        self._head = f"POST {target} HTTP/1.1\r\nhost: {parts.netloc.rpartition('@')[2]}\r\n"
        self._kept: list[_Line] = []

    async def post(self, body: bytes, headers: Mapping[str, str]) -> int:
        lines = [f"{name}: {text}\r\n" for name, text in headers.items()]
        head = f"{self._head}{''.join(lines)}content-length: {len(body)}\r\n\r\n".encode("ascii")
        if self._kept:
            line = self._kept.pop()
            try:
                return await self._once(line, head + body)
            except (OSError, EOFError):
                pass  # it has died since; who gets a message twice knows it by its id
        port = self._port or (443 if self._tls else 80)
        line = await asyncio.open_connection(self._host, port, ssl=self._tls)
        return await self._once(line, head + body)

    async def _once(self, line: _Line, request: bytes) -> int:
        reader, writer = line
        is_kept = False
        try:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            status = int(head[9:12])
            length = _LENGTH.search(head)
            if status == 204 or length is not None:
                await reader.readexactly(int(length[1]) if length is not None else 0)
                is_kept = _CLOSES.search(head) is None
        finally:
            if is_kept:
                self._kept.append(line)
            else:
                writer.close()
        return status

    def close(self) -> None:
        for _reader, writer in self._kept:
            writer.close()
