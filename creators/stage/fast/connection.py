"""A websocket on a transport: frames out as they are, messages in by the parser, and its end.

It never waits to write: above 64 KB that the kernel did not take, `is_blocked` says so until the
reader has caught up. The desk pings who is quiet, and closes who does not answer.
"""

import asyncio
import logging
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final, cast

from creators.stage import metrics
from creators.stage.fast.bytes import PING, PONG, close_frame, framed
from creators.stage.fast.websocket import Broken, Kind, Message, Parser
from creators.stage.frames import Frame
from creators.stage.lines import MOST_ANSWER_BYTES, MOST_BUFFERED, nothing
from creators.stage.wire import Close

log = logging.getLogger(__name__)

# The kernel, too, shall hold no more than that of what a slow reader has not read.
SEND_BUFFER: Final = 64 * 1024
# How long the other side may take to say that it closes, too.
CLOSE_SECONDS: Final = 2.0


class Connection(asyncio.Protocol, ABC):
    """What every websocket here does; `begin` makes it one, `received` is for the heirs."""

    __slots__ = (
        "_inflates",
        "_parser",
        "_transport",
        "blocked_since",
        "is_blocked",
        "is_closed",
        "when_drained",
    )

    def __init__(self) -> None:
        self._transport = cast(asyncio.Transport, None)
        self._parser: Parser | None = None
        self._inflates = False
        self.is_blocked = False
        self.blocked_since = 0.0
        self.is_closed = False
        self.when_drained: Callable[[], None] = nothing

    def begin(self, *, limit: int, inflates: bool) -> None:
        """Speak websocket from here on: the answer to the handshake was written."""
        self._parser = Parser(limit=limit, inflates=inflates)
        self._inflates = inflates
        self._transport.set_write_buffer_limits(high=MOST_BUFFERED)
        connected = self._transport.get_extra_info("socket")
        if connected is not None:
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)

    @property
    def is_open(self) -> bool:
        """Tell whether websocket is spoken, until the connection is lost."""
        return self._parser is not None

    @abstractmethod
    def received(self, message: Message) -> None:
        """Take a text or binary message."""

    def signalled(self) -> bool:
        """Note a sign of life, a ping or a pong; False when there are too many to answer."""
        return True

    def left(self) -> None:
        """Note that nothing more comes: the other side closed, broke the rules, or is gone."""

    # --- Out ------------------------------------------------------------------------------

    def write(self, frame: Frame) -> bool:
        if self.is_blocked or self.is_closed:
            return False
        self._transport.write(frame.deflated if self._inflates else frame.plain)
        return True

    def answer(self, frame: Frame) -> None:
        if self.is_closed:
            return
        self._transport.write(frame.deflated if self._inflates else frame.plain)
        if self._transport.get_write_buffer_size() > MOST_BUFFERED + MOST_ANSWER_BYTES:
            self.close(Close.SLOW, "you ask and do not read")

    def ping(self) -> None:
        if not self.is_closed:
            self._transport.write(framed(PING, b""))

    def close(self, code: int, reason: str = "") -> None:
        """Say why, and wait for the other side to agree, though not for long."""
        if self.is_closed:
            return
        self.is_closed = True
        metrics.closed(code)
        self._transport.write(close_frame(code, reason))
        self._abort_soon()

    def _abort_soon(self) -> None:
        asyncio.get_running_loop().call_later(CLOSE_SECONDS, self._transport.abort)

    def gone(self) -> None:
        self.is_closed = True
        self.when_drained = nothing

    # --- In -------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        parser = self._parser
        if parser is None:
            return
        try:
            for message in parser.feed(data):
                self._take(message)
        except Broken as broken:
            self._fail(broken.code, broken.reason)

    def _take(self, message: Message) -> None:
        if message.kind is Kind.CLOSE:
            if not self.is_closed:
                self.is_closed = True
                self._transport.write(
                    close_frame(message.code) if message.code else framed(0x88, b"")
                )
            self._transport.close()
            # That waits for a reader who may never read, and whom nobody counts any more.
            self._abort_soon()
            self.left()
        elif self.is_closed:
            return
        elif message.kind is Kind.PONG:
            self.signalled()
        elif message.kind is Kind.PING:
            if not self.signalled():
                return
            self._transport.write(framed(PONG, message.data))
            if self._transport.get_write_buffer_size() > MOST_BUFFERED + MOST_ANSWER_BYTES:
                self.close(Close.SLOW, "you ask and do not read")
        else:
            self.received(message)

    def _fail(self, code: int, reason: str) -> None:
        """Say what was wrong and end; what still comes is read away, else it would undo that."""
        self.close(code, reason)
        if self._transport.can_write_eof():
            self._transport.write_eof()
        else:
            self._transport.close()
        self.left()

    def pause_writing(self) -> None:
        self.is_blocked = True
        self.blocked_since = asyncio.get_running_loop().time()

    def resume_writing(self) -> None:
        self.is_blocked = False
        if not self.is_closed:
            self.when_drained()

    def connection_lost(self, _error: Exception | None) -> None:
        self.is_closed = True
        self._parser = None
        self.left()
