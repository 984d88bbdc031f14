"""The way out of one socket: written to without waiting, however slow its reader is.

Never `await send()` one socket after the other: a hundred stalled readers would freeze the room.
A line takes a room's frame or says no, and then nothing is kept for it: it calls `when_drained`
when it takes frames again. What one client asked for is answered through `answer`, which keeps a
little, and closes the line of who asks and does not read.
"""

import asyncio
import logging
import types
from collections import deque
from collections.abc import Awaitable, Callable, Generator, MutableMapping
from typing import Any, Final, Protocol

from creators.stage import metrics
from creators.stage.frames import Frame
from creators.stage.metrics import Way
from creators.stage.wire import Close

log = logging.getLogger(__name__)

PRIVATE_CODES: Final = 4000
# What may wait for one client: so many answers, of so many bytes.
MOST_ANSWERS: Final = 64
MOST_ANSWER_BYTES: Final = 512 * 1024
# Above that much on its way, a line takes no frame.
MOST_BUFFERED: Final = 64 * 1024

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]


def nothing() -> None:
    """What a line calls before somebody listens to it."""


class Line(Protocol):
    """`blocked_since` (the loop's time) tells since when it `is_blocked`."""

    way: Way
    # Whether we have to find out by pings if somebody is still there; most servers do it.
    needs_ping: bool
    blocked_since: float
    is_closed: bool
    when_drained: Callable[[], None]

    @property
    def is_blocked(self) -> bool:
        """Tell whether the reader lags: a frame would not be taken."""
        ...

    def write(self, frame: Frame) -> bool:
        """Hand over a frame; False, and nothing is kept, when the reader lags or has left."""
        ...

    def answer(self, frame: Frame) -> None:
        """Write to who said something, after what is on its way; too much of it closes (SLOW)."""
        ...

    def close(self, code: Close, reason: str = "") -> None:
        """Close without waiting for what is still on its way; once."""
        ...

    def gone(self) -> None:
        """Note that the other side left."""
        ...

    def ping(self) -> None:
        """Ask for a sign of life, where `needs_ping`."""
        ...


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


class AsgiLine:
    """Any server's `send`: driven once; where it blocks, a task of its own finishes it."""

    __slots__ = ("_answers", "_in_flight", "_send", "blocked_since", "is_closed", "when_drained")

    way: Way = "asgi"
    # The server below does it.
    needs_ping = False

    def __init__(self, send: Send) -> None:
        self._send = send
        self._in_flight: asyncio.Task[None] | None = None
        self._answers: deque[Frame] | None = None
        self.blocked_since = 0.0
        self.is_closed = False
        self.when_drained: Callable[[], None] = nothing

    @property
    def is_blocked(self) -> bool:
        return self._in_flight is not None

    def write(self, frame: Frame) -> bool:
        if self._in_flight is not None or self.is_closed:
            return False
        self._drive({"type": "websocket.send", "text": frame.text})
        return not self.is_closed

    def answer(self, frame: Frame) -> None:
        if self._in_flight is None:
            self.write(frame)
            return
        if self._answers is None:
            self._answers = deque()
        self._answers.append(frame)
        if (
            len(self._answers) > MOST_ANSWERS
            or sum(len(answer) for answer in self._answers) > MOST_ANSWER_BYTES
        ):
            self.close(Close.SLOW, "you ask and do not read")

    def close(self, code: Close, reason: str = "") -> None:
        if self.is_closed:
            return
        metrics.closed(code)
        self._give_up()
        self._drive({"type": "websocket.close", "code": int(code), "reason": reason})
        if self.is_closed and code < PRIVATE_CODES:
            # daphne refuses to send the standard codes; the private twin says the same.
            twin = PRIVATE_CODES + code % 1000
            self._drive({"type": "websocket.close", "code": twin, "reason": reason})
        self.is_closed = True

    def gone(self) -> None:
        self.is_closed = True
        self._give_up()

    def ping(self) -> None:
        """Leave it to the server: plain ASGI knows no pings."""

    def _give_up(self) -> None:
        self._answers = None
        if self._in_flight is not None:
            self._in_flight.cancel()
            self._in_flight = None

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
            while self._answers and not self.is_closed:
                self.blocked_since = asyncio.get_running_loop().time()
                answer = self._answers.popleft()
                await self._send({"type": "websocket.send", "text": answer.text})
        except Exception as error:
            log.debug("a socket broke: %r", error)
            self.is_closed = True
        if self._in_flight is asyncio.current_task():
            self._in_flight = None
            if not self.is_closed:
                self.when_drained()
