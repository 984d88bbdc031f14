"""The way out of one socket: written to without waiting, however slow its reader is.

Never `await send()` one socket after the other: a hundred stalled readers would freeze the room.
`send` is driven once; where it blocks, a task of its own finishes it, and until then the line takes
nothing more.
"""

import asyncio
import logging
import types
from collections.abc import Awaitable, Callable, Generator, MutableMapping
from typing import Any

from creators.stage.wire import Close, Outbound, encode

log = logging.getLogger(__name__)

PRIVATE_CODES = 4000

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]


@types.coroutine
def _carry_on(steps: Any, waiting: Any) -> Generator[Any, Any, None]:
    """Go on with an awaitable whose first step was taken outside of a task."""
    while True:
        try:
            value = yield waiting
        except BaseException as error:
            try:
                waiting = steps.throw(error)
            except StopIteration:
                return
        else:
            try:
                waiting = steps.send(value)
            except StopIteration:
                return


class Line:
    """One socket's plain ASGI `send`; `when_drained` is called when it takes messages again."""

    __slots__ = ("_in_flight", "_send", "blocked_since", "is_closed", "when_drained")

    def __init__(self, send: Send) -> None:
        self._send = send
        self._in_flight: asyncio.Task[None] | None = None
        self.blocked_since = 0.0
        self.is_closed = False
        self.when_drained: Callable[[], None] = lambda: None

    @property
    def is_blocked(self) -> bool:
        return self._in_flight is not None

    def write(self, text: str) -> bool:
        """Hand over a text message; False, and nothing is kept, when the reader lags behind."""
        if self._in_flight is not None or self.is_closed:
            return False
        self._drive({"type": "websocket.send", "text": text})
        return not self.is_closed

    async def answer(self, message: Outbound) -> None:
        """Write to a client that said something; one that does not read is waited for."""
        await self.drained()
        self.write(encode(message).decode())

    async def drained(self) -> None:
        while self._in_flight is not None:
            await asyncio.wait([self._in_flight])

    def close(self, code: Close, reason: str = "") -> None:
        """Close without waiting for what is still in flight."""
        if self.is_closed:
            return
        if self._in_flight is not None:
            self._in_flight.cancel()
            self._in_flight = None
        self._drive({"type": "websocket.close", "code": int(code), "reason": reason})
        if self.is_closed and code < PRIVATE_CODES:
            # daphne refuses to send the standard codes; the private twin says the same.
            twin = PRIVATE_CODES + code % 1000
            self._drive({"type": "websocket.close", "code": twin, "reason": reason})
        self.is_closed = True

    def gone(self) -> None:
        """Note that the other side left."""
        self.is_closed = True
        if self._in_flight is not None:
            self._in_flight.cancel()

    def _drive(self, message: Message) -> None:
        steps = self._send(message).__await__()
        try:
            waiting = next(steps)
        except StopIteration:
            return
        except Exception as error:
            log.debug("a socket broke: %r", error)
            self.is_closed = True
            return
        self.blocked_since = asyncio.get_running_loop().time()
        self._in_flight = asyncio.ensure_future(self._finish(steps, waiting))

    async def _finish(self, steps: Any, waiting: Any) -> None:
        try:
            await _carry_on(steps, waiting)
        except Exception as error:
            log.debug("a socket broke: %r", error)
            self.is_closed = True
        if self._in_flight is asyncio.current_task():
            self._in_flight = None
            if not self.is_closed:
                self.when_drained()
