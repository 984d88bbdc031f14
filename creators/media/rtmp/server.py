"""The door for encoders: listens, judges keys through the reception, passes FLV on to its intake.

One connection is one task. What it holds in memory is bounded by `Limits`, whatever is sent, and
how long it may be silent, too. Its one line in the log never has the key in it.
"""

import asyncio
import logging
import socket
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from creators.media.publishing import Intake, Reception, Refusal
from creators.media.rtmp.chunks import ChunkReader
from creators.media.rtmp.flv import UnsupportedCodec
from creators.media.rtmp.malformed import Malformed
from creators.media.rtmp.session import Left, Media, Phase, Publish, Session

logger = logging.getLogger(__name__)

_READ_BYTES = 64 * 1024
# Until it may publish, so that little is read of what may not be wanted.
_FIRST_READ_BYTES = 4 * 1024
_GOODBYE_BYTES = 8 * 1024 * 1024
_BAD_NAMES = {"unknown_key", "already_publishing"}


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one connection may take, and how many there may be; times in seconds."""

    handshake_s: float = 5.0
    # From the handshake to the answer on its key.
    asking_s: float = 15.0
    # Without any media.
    idle_s: float = 30.0
    goodbye_s: float = 2.0
    largest_message: int = 8 * 1024 * 1024
    largest_pending: int = 10 * 1024 * 1024
    chunk_streams: int = 64
    before_publishing: int = 64 * 1024
    connections: int = 500
    # Who was let in by a key does not count: through a proxy for TLS, all come from its address.
    per_address: int = 16


LIMITS: Final = Limits()


async def serve(
    reception: Reception, *, host: str, port: int, limits: Limits = LIMITS, app: str = "live"
) -> "IngestServer":
    """Listen for encoders until the server is closed."""
    server = IngestServer(reception, limits, app)
    await server.listen(host, port)
    return server


class IngestServer:
    """Like an `asyncio.Server`, but `close` ends the connections, too."""

    def __init__(self, reception: Reception, limits: Limits, app: str) -> None:
        self._reception = reception
        self._limits = limits
        self._app = app
        self._listener: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._by_address: Counter[str] = Counter()

    async def listen(self, host: str, port: int) -> None:
        self._listener = await asyncio.start_server(self._welcome, host, port)

    @property
    def sockets(self) -> tuple[socket.socket, ...]:
        return tuple(self._listener.sockets) if self._listener else ()

    @property
    def connections(self) -> int:
        return len(self._tasks)

    def close(self) -> None:
        """Listen no more, and let all publishers go."""
        if self._listener:
            self._listener.close()
        for task in self._tasks:
            task.cancel()

    async def wait_closed(self) -> None:
        """Wait until all have gone."""
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._listener:
            await self._listener.wait_closed()

    def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername")
        address = str(peer[0]) if isinstance(peer, tuple) and peer else "?"
        is_full = len(self._tasks) >= self._limits.connections
        if is_full or self._by_address[address] >= self._limits.per_address:
            logger.warning("rtmp %s: too many connections", address)
            writer.transport.abort()
            return
        _keep_alive(writer)
        connection = _Connection(reader, writer, address, self._reception, self._limits, self._app)
        connection.counts.add_done_callback(lambda _: self._count_no_more(address))
        self._by_address[address] += 1
        task = asyncio.get_running_loop().create_task(connection.run())
        self._tasks.add(task)

        def forget(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            connection.counts.cancel()

        task.add_done_callback(forget)

    def _count_no_more(self, address: str) -> None:
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]


def _keep_alive(writer: asyncio.StreamWriter) -> None:
    connection: socket.socket | None = writer.get_extra_info("socket")
    if connection is None:
        return
    with suppress(OSError):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)


class _Connection:
    """One encoder's, from its first byte to the end."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        address: str,
        reception: Reception,
        limits: Limits,
        app: str,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._address = address
        self._reception = reception
        self._limits = limits
        chunks = ChunkReader(
            largest_message=limits.largest_message,
            largest_pending=limits.largest_pending,
            chunk_streams=limits.chunk_streams,
        )
        self._session = Session(app=app, reader=chunks, before_publishing=limits.before_publishing)
        # Done when it was let in: strangers of one address are not to be too many.
        self.counts: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._intake: Intake | None = None
        self._deadline = asyncio.timeout(limits.handshake_s)
        self._is_talking = False

    async def run(self) -> None:
        """Talk to it until one of both has enough; never raises but when cancelled."""
        began = time.monotonic()
        refusal: Refusal | None = None
        outcome = "stopped by a fault"
        try:
            refusal, outcome = await self._talk_and_judge()
        except asyncio.CancelledError:
            outcome = "let go: the server is stopping"
            raise
        except Exception:
            logger.exception("rtmp %s: a fault of ours", self._address)
            refusal = Refusal("unavailable")
        finally:
            logger.info(
                "rtmp %s: %s (%.0f s, %.1f MB)",
                self._address,
                outcome,
                time.monotonic() - began,
                self._session.received / 1e6,
            )
            await self._leave(refusal)

    async def _talk_and_judge(self) -> tuple[Refusal | None, str]:
        """Return why it is refused, if it is, and what is to be noted."""
        refusal: Refusal | None = None
        try:
            async with self._deadline:
                self._is_talking = True
                return None, await self._talk()
        except Refusal as why:
            refusal = why
        except UnsupportedCodec:
            refusal = Refusal("unsupported_codec")
        except TimeoutError:
            is_asking = self._session.phase is Phase.ASKING
            refusal = Refusal("unavailable") if is_asking else self._why_ended()
            if refusal is None:
                return None, self._timed_out()
        except Malformed as problem:
            return None, f"ended: {problem}"
        except OSError:
            return None, "the connection broke"
        finally:
            self._is_talking = False
        return refusal, f"refused: {refusal.code}"

    async def _talk(self) -> str:
        session, limits = self._session, self._limits
        loop = asyncio.get_running_loop()
        while session.phase is not Phase.OVER:
            is_publishing = session.phase is Phase.PUBLISHING
            was_greeting = session.phase is Phase.GREETING
            data = await self._reader.read(_READ_BYTES if is_publishing else _FIRST_READ_BYTES)
            if not data:
                return "went away"
            taken: list[bytes] = []
            is_moving = False
            try:
                for event in session.receive(data):
                    match event:
                        case Media():
                            taken.append(event.data)
                            is_moving |= event.is_moving
                        case Publish():
                            await self._ask(event.key)
                        case Left():
                            break
            finally:
                self._send()
            if taken and self._intake:
                await self._intake.write(b"".join(taken))
            if is_moving:
                self._postpone(loop.time() + limits.idle_s)
            elif was_greeting and session.phase is not Phase.GREETING and self._intake is None:
                self._postpone(loop.time() + limits.asking_s)
            await self._writer.drain()
        return "stopped"

    async def _ask(self, key: str) -> None:
        self._intake = await self._reception.by_key(key, address=self._address)
        if not self.counts.done():
            self.counts.set_result(None)
        loop = asyncio.get_running_loop()
        self._postpone(loop.time() + self._limits.idle_s)
        # When the intake ends by itself, nobody waits for the next byte any more.
        self._intake.ended.add_done_callback(lambda _: self._postpone(loop.time()))
        self._session.accept()
        self._send()

    def _postpone(self, when: float) -> None:
        is_ended = self._intake is not None and self._intake.ended.done()
        if self._is_talking and not self._deadline.expired():
            self._deadline.reschedule(asyncio.get_running_loop().time() if is_ended else when)

    def _why_ended(self) -> Refusal | None:
        if self._intake is None or not self._intake.ended.done():
            return None
        if self._intake.ended.cancelled() or self._intake.ended.exception() is not None:
            return Refusal("unavailable")
        return self._intake.ended.result()

    def _timed_out(self) -> str:
        if self._intake is not None:
            return "the intake closed" if self._intake.ended.done() else "no media for too long"
        return "no handshake" if self._session.phase is Phase.GREETING else "no key for too long"

    def _send(self) -> None:
        if self._session.outgoing and not self._writer.is_closing():
            self._writer.write(bytes(self._session.outgoing))
        self._session.outgoing.clear()

    async def _leave(self, refusal: Refusal | None) -> None:
        try:
            if refusal is not None:
                is_bad_name = refusal.code in _BAD_NAMES
                code = "NetStream.Publish.BadName" if is_bad_name else "NetStream.Publish.Denied"
                self._session.refuse(code, refusal.text)
            self._send()
            await self._close_intake(refusal)
            async with asyncio.timeout(self._limits.goodbye_s):
                await self._say_goodbye()
        except (TimeoutError, OSError):
            pass
        finally:
            self._writer.transport.abort()

    async def _close_intake(self, refusal: Refusal | None) -> None:
        if self._intake is None:
            return
        try:
            await self._intake.close(refusal)
        except Exception:
            logger.exception("rtmp %s: its intake did not close", self._address)

    async def _say_goodbye(self) -> None:
        await self._writer.drain()
        # A socket closed with bytes unread would take back what was just said.
        if not self._writer.is_closing():
            self._writer.write_eof()
        discarded = 0
        while discarded < _GOODBYE_BYTES and (data := await self._reader.read(_READ_BYTES)):
            discarded += len(data)
