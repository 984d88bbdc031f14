"""daphne's shorter way: a ready frame goes to the connection's socket, past ASGI and autobahn.

daphne writes a frame in 57 µs by plain ASGI, and keeps all that a slow reader does not read. What
is used here of daphne, autobahn and twisted is looked at when a socket opens; where anything is not
as expected, plain ASGI it is. Nothing overtakes: autobahn hands each of its frames to the transport
whole (unless asked to chop or queue them: then this way asks it, too), and what goes straight to
the socket does so only while the transport has nothing of its own to write.
"""

import asyncio
import logging
import socket
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from django.conf import settings

from creators.stage import metrics
from creators.stage.frames import Frame
from creators.stage.lines import MOST_ANSWER_BYTES, AsgiLine, Line, Send, nothing
from creators.stage.metrics import Way
from creators.stage.wire import Close

log = logging.getLogger(__name__)

# The kernel, too, shall hold no more than that of what a slow reader has not read.
SEND_BUFFER: Final = 64 * 1024

_told: set[str] = set()


def line_of(send: Send) -> Line:
    """Find the best way out behind an accepted websocket's `send`."""
    if settings.STAGE_FAST_PATH and "daphne.server" in sys.modules:
        try:
            protocol = _protocol_behind(send)
            if protocol is not None:
                return DaphneLine(protocol)
        except Exception as error:
            _tell_once(f"{type(error).__name__}: {error}")
    return AsgiLine(send)


def _tell_once(why: str) -> None:
    if why not in _told:
        _told.add(why)
        log.warning("daphne is not as expected (%s): plain ASGI is used", why)


def _protocol_behind(send: Send) -> Any:
    """Find daphne's protocol, if this is daphne's `send` and all is as expected; else None.

    :raises Exception: something is not as expected
    """
    from daphne.server import Server  # type: ignore[import-untyped]
    from daphne.ws_protocol import WebSocketProtocol  # type: ignore[import-untyped]
    from twisted.internet.tcp import Connection

    function = getattr(send, "func", None)
    if not isinstance(send, partial) or getattr(function, "__func__", None) is not (
        Server.handle_reply
    ):
        # Another server's, in whose process daphne was imported.
        return None
    protocol: Any = send.args[0]
    if not isinstance(protocol, WebSocketProtocol):
        raise TypeError(f"a {type(protocol).__name__} for a websocket")
    transport = protocol.transport
    if not isinstance(transport, Connection) or transport.TLS:
        # Encrypted, or behind something that reads along.
        raise TypeError(f"a {type(transport).__name__} for a transport")
    if protocol._perMessageCompress is not None:
        return None
    if protocol.autoFragmentSize or protocol.maskServerFrames or protocol.send_queue:
        raise ValueError("frames are changed on their way")
    if protocol.state != protocol.STATE_OPEN or transport.bufferSize > SEND_BUFFER:
        raise ValueError("another state or buffer")
    for name in ("dataBuffer", "_tempDataLen", "registerProducer", "disconnecting"):
        getattr(transport, name)
    return protocol


class DaphneLine:
    """A line on twisted's transport; it is the transport's producer, told when it is full."""

    __slots__ = (
        "_protocol",
        "_socket",
        "_transport",
        "blocked_since",
        "is_blocked",
        "is_closed",
        "when_drained",
    )

    way: Way = "daphne"
    # daphne pings, and drops who does not answer.
    needs_ping = False

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol
        self._transport: Any = protocol.transport
        self._socket: socket.socket = self._transport.socket
        self.is_blocked = False
        self.blocked_since = 0.0
        self.is_closed = False
        self.when_drained: Callable[[], None] = nothing
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        # The HTTP channel that read the request is the producer until now; it has no say any more.
        if self._transport.producer is not None:
            self._transport.unregisterProducer()
        self._transport.registerProducer(self, True)

    # --- Frames ---------------------------------------------------------------------------

    def write(self, frame: Frame) -> bool:
        if self.is_blocked or self.is_closed:
            return False
        return self._put(frame.plain)

    def answer(self, frame: Frame) -> None:
        if self.is_closed:
            return
        self._put(frame.plain)
        if self._buffered() > SEND_BUFFER + MOST_ANSWER_BYTES:
            self.close(Close.SLOW, "you ask and do not read")

    def _put(self, data: bytes) -> bool:
        protocol, transport = self._protocol, self._transport
        if protocol.state != protocol.STATE_OPEN:
            return False
        if transport.dataBuffer or transport._tempDataLen or protocol.send_queue:
            protocol.sendData(data)
            return True
        try:
            sent = self._socket.send(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            # The transport finds it out by itself.
            log.debug("a socket broke: %r", error)
            self.is_closed = True
            return False
        if sent < len(data):
            transport.write(data[sent:] if sent else data)
        return True

    def _buffered(self) -> int:
        transport = self._transport
        return int(len(transport.dataBuffer) - transport.offset + transport._tempDataLen)

    # --- The end --------------------------------------------------------------------------

    def close(self, code: Close, reason: str = "") -> None:
        if self.is_closed:
            return
        self.is_closed = True
        metrics.closed(code)
        if self.is_blocked and self._protocol.state != self._protocol.STATE_OPEN:
            # The client closed, and does not read the answer: nobody else waits for an end to that.
            self._transport.abortConnection()
            return
        # Not `sendClose`, which refuses the standard codes; who does not answer is dropped.
        self._protocol.sendCloseFrame(code=int(code), reasonUtf8=reason.encode()[:120] or None)

    def gone(self) -> None:
        self.is_closed = True
        self.when_drained = nothing

    def ping(self) -> None:
        """Leave it to daphne."""

    # --- What twisted asks of a producer --------------------------------------------------

    def pauseProducing(self) -> None:  # twisted's name
        if not self.is_blocked:
            self.is_blocked = True
            self.blocked_since = asyncio.get_running_loop().time()

    def resumeProducing(self) -> None:
        self.is_blocked = False
        if self._transport.disconnecting:
            # twisted would wait for what this producer still has to say, without end.
            self._transport.unregisterProducer()
        if not self.is_closed:
            self.when_drained()

    def stopProducing(self) -> None:
        self.is_closed = True
