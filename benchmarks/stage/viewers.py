"""One viewer of the stage's bench: a websocket by hand that checks all it hears.

What all viewers get alike is compared, not read (see book.py): one core does for thousands.
"""

import asyncio
import time
from typing import TYPE_CHECKING, Final, cast

from benchmarks.stage import words
from benchmarks.stage.book import Book, Frame

if TYPE_CHECKING:
    from benchmarks.stage.crowd import Crowd

# What is received is used up at once: one buffer is enough for all. Snapshots fit in.
_buffer: Final = bytearray(1 << 20)
_view: Final = memoryview(_buffer)


class Viewer(asyncio.BufferedProtocol):
    """A signed-in viewer of the show; `at` is the latest frame it got, None before the first."""

    path = "/ws/live/{show}/"
    read = staticmethod(words.read_frame)

    def __init__(self, crowd: "Crowd", number: int, book: Book) -> None:
        self.crowd = crowd
        self.number = number
        self.book = book
        self.at: Frame | None = None
        self.own: tuple[str, int] | None = None
        self.transport: asyncio.Transport | None = None
        self.ready: asyncio.Future[None] | None = None
        # Let in, but it says nothing before it is told to.
        self.admitted: asyncio.Future[None] | None = None
        self.close_code = 0
        self.is_open = False
        # Client id -> number of the lines that it wrote; refused ones are taken out.
        self.lines: dict[str, int] = {}
        self._rest = b""
        self._kept = 0
        self._is_back = False

    # --- Connection -----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's is one in all but name.
        self.transport = cast(asyncio.Transport, transport)
        self._rest, self._kept, self.close_code = b"", 0, 0
        self.transport.write(self.crowd.handshake(self.number, self.path))

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        why = f"closed with {self.close_code}" if self.close_code else repr(exc)
        self._fail(ConnectionResetError(f"viewer {self.number}: {why}"))
        if self.is_open:
            self.crowd.lost(self)
        self.is_open = False

    def _fail(self, error: Exception) -> None:
        for awaited in (self.admitted, self.ready):
            if awaited is not None and not awaited.done():
                awaited.set_exception(error)
                return

    def hang_up(self) -> None:
        """Leave without a word, and without having been lost."""
        self.is_open = False
        if self.transport is not None:
            self.transport.abort()

    def write(self, message: bytes) -> None:
        if self.transport is not None:
            self.transport.write(message)

    # --- What comes in --------------------------------------------------------------------

    def get_buffer(self, sizehint: int) -> bytearray | memoryview:
        if not self._rest:
            return _buffer
        kept = self._kept = len(self._rest)
        _buffer[:kept] = self._rest
        self._rest = b""
        return _view[kept:]

    def buffer_updated(self, nbytes: int) -> None:
        now = time.time()
        start, end = 0, self._kept + nbytes
        self._kept = 0
        if not self.is_open:
            start = self._shake_hands(end)
            if start < 0:
                self._rest = bytes(_view[:end])
                return
        at = before = self.at
        while start < end:
            then = None if at is None else at.then
            if then is not None and _buffer.startswith(then.raw, start, end):
                then.arrivals.append(now)
                at = then
                start += then.size
                continue
            found = words.extent(_buffer, start, end)
            if found is None:
                self._rest = bytes(_view[start:end])
                break
            stop = start + found[0] + found[1]
            self.at = at
            self._hear(bytes(_view[start:stop]), now)
            at = self.at
            start = stop
        self.at = at
        # It was told where it stands, or of something after that.
        is_back = self._is_back or at is not before
        if is_back and self.ready is not None and not self.ready.done():
            self.ready.set_result(None)

    def _shake_hands(self, end: int) -> int:
        stop = _buffer.find(b"\r\n\r\n", 0, end)
        if stop < 0:
            return -1
        if not _buffer.startswith(b"HTTP/1.1 101"):
            head = bytes(_view[:stop]).split(b"\r\n", 1)[0].decode(errors="replace")
            self._fail(ConnectionRefusedError(head))
            if self.transport is not None:
                self.transport.abort()
            return end
        self.is_open = True
        self._is_back = False
        if self.admitted is None:
            self.greet()
        elif not self.admitted.done():
            self.admitted.set_result(None)
        return stop + 4

    def _hear(self, raw: bytes, now: float) -> None:
        opcode = raw[0] & 15
        if opcode == words.PING:
            self.write(words.masked(words.body_of(raw), opcode=words.PONG))
        elif opcode == words.CLOSE:
            body = words.body_of(raw)
            self.close_code = int.from_bytes(body[:2], "big")
            self.write(words.masked(body[:2], opcode=words.CLOSE))
        elif opcode == words.TEXT:
            if raw in self.book.frames:
                self._follow(raw, now)
            else:
                self.hear(raw, words.body_of(raw), now)

    def _follow(self, raw: bytes, now: float) -> None:
        frame = self.book.frame(raw, self.read)
        if self.at is None:
            # It was not told yet where it stands.
            self.book.strays += 1
            frame.arrivals.append(now)
            self.at = frame
        else:
            self.at = self.book.step(self.at, frame, now=now)
        self._is_back = True

    # --- What it says, and what only it is told -------------------------------------------

    def greet(self) -> None:
        """Say where it stands."""
        positions: dict[str, tuple[str, int]] = {}
        if self.at is not None:
            positions["live"] = (self.at.heard.epoch, self.at.heard.last)
        if self.own is not None:
            positions["me"] = self.own
        self.write(words.resume(positions))

    def hear(self, raw: bytes, body: bytes, now: float) -> None:
        kind = words.kind_of(body)
        if kind == "live":
            self._follow(raw, now)
        elif kind == "told":
            told = words.told(body)
            if told.t == "snapshot" and told.room == "live":
                self.crowd.snapshots += 1
                self.at = self.book.start(told.epoch, told.seq)
                self._is_back = True
            elif told.t == "snapshot" and told.room == "me":
                self.own = (told.epoch, told.seq)
            elif told.t == "resync" and told.room == "live":
                self.crowd.resynced(self)
                self.at = None
                self.greet()
            elif told.t == "error":
                self.crowd.refused(self, told.code)
                self.lines.pop(told.ref, None)


class SocketIoViewer(Viewer):
    """The same of a Socket.IO server: engine.io over a websocket, no polling."""

    path = "/socket.io/?EIO=4&transport=websocket"
    read = staticmethod(words.read_socketio)

    def greet(self) -> None:
        """Wait for the server's hello."""

    def hear(self, raw: bytes, body: bytes, now: float) -> None:
        if words.is_socketio_event(body):
            if self.at is None:
                first = words.read_socketio(raw).first
                self.at = self.book.start("socketio", first - 1)
            self._follow(raw, now)
        elif body == b"2":
            self.write(words.masked(b"3"))
        elif body.startswith(b"0{"):
            self.write(words.masked(b"40"))
        elif body.startswith(b"40"):
            self._is_back = True
