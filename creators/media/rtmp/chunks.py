"""Messages cut into chunks, and put together again (RTMP 1.0, section 5.3).

Nothing here reads or writes: `ChunkReader.feed` takes bytes as they come and gives the messages
that became whole; it keeps no more than `largest_pending` bytes, whatever comes.
"""

from dataclasses import dataclass, field

from creators.media.rtmp.malformed import Malformed

SET_CHUNK_SIZE = 1
ABORT = 2

FIRST_CHUNK_SIZE = 128
# A chunk size below the protocol's own first one has no use but to make work.
SMALLEST_CHUNK_SIZE = 128
LARGEST_CHUNK_SIZE = 0xFFFFFF
_EXTENDED = 0xFFFFFF
_CLOCK = 0xFFFFFFFF
_HEADER_SIZES = (11, 7, 3, 0)


@dataclass(frozen=True, slots=True)
class Message:
    """`timestamp` in milliseconds, modulo 2³²."""

    kind: int
    stream_id: int
    timestamp: int
    body: bytes


@dataclass(slots=True)
class _ChunkStream:
    """What the next header of a chunk stream may leave out, and its message so far."""

    timestamp: int = 0
    # The last header's timestamp field: a whole timestamp or the distance from the one before.
    step: int = 0
    is_extended: bool = False
    length: int = 0
    kind: int = 0
    stream_id: int = 0
    body: bytearray = field(default_factory=bytearray)


class ChunkReader:
    """Puts messages together from the bytes of one connection."""

    def __init__(
        self,
        *,
        largest_message: int = 8 * 1024 * 1024,
        largest_pending: int = 10 * 1024 * 1024,
        chunk_streams: int = 64,
    ) -> None:
        self._largest_message = largest_message
        self._largest_pending = largest_pending
        self._most_streams = chunk_streams
        self._streams: dict[int, _ChunkStream] = {}
        self._chunk_size = FIRST_CHUNK_SIZE
        self._header = bytearray()
        # The chunk whose bytes are coming now, and how many of them are still to come.
        self._current: _ChunkStream | None = None
        self._missing = 0
        self._pending = 0

    @property
    def pending(self) -> int:
        """How many bytes are kept of what is not whole yet."""
        return self._pending + len(self._header)

    def feed(self, data: bytes) -> list[Message]:
        """Take bytes and return the messages that they complete; empty ones are left out.

        :raises Malformed: it is not RTMP, or beyond a limit; the connection has to end
        """
        messages: list[Message] = []
        if self._header:
            data = bytes(self._header) + data
            self._header.clear()
        at = 0
        while True:
            stream = self._current
            if stream is None:
                after = self._read_header(data, at)
                if after is None:
                    self._header += data[at:]
                    return messages
                at = after
                continue
            taken = data[at : at + self._missing]
            at += len(taken)
            stream.body += taken
            self._missing -= len(taken)
            self._pending += len(taken)
            if self._pending > self._largest_pending:
                raise Malformed("too many messages begun and not ended")
            if self._missing:
                return messages
            self._current = None
            if len(stream.body) == stream.length:
                message = self._whole(stream)
                if message is not None:
                    messages.append(message)

    def _read_header(self, data: bytes, at: int) -> int | None:
        """Read a chunk's header at `at`; return where its bytes begin, None if more must come."""
        if at >= len(data):
            return None
        form, number = data[at] >> 6, data[at] & 63
        at += 1
        if number < 2:
            size = number + 1
            if len(data) < at + size:
                return None
            number = 64 + int.from_bytes(data[at : at + size], "little")
            at += size
        header = data[at : at + _HEADER_SIZES[form]]
        at += _HEADER_SIZES[form]
        if len(data) < at:
            return None
        stream = self._streams.get(number)
        if stream is None and form > 1:
            # (librtmp does begin with form 1.)
            raise Malformed("a chunk stream begins in its middle")
        step, is_extended = self._step(stream, form, header)
        begins = stream is None or not stream.body
        if not begins and form != 3:
            raise Malformed("a message begins inside another")
        if is_extended:
            if len(data) < at + 4:
                return None
            extended = int.from_bytes(data[at : at + 4], "big")
            # Some encoders leave it out where a message goes on.
            if form < 3 or begins or extended == step:
                at += 4
                step = extended
        if stream is None:
            if len(self._streams) >= self._most_streams:
                raise Malformed("too many chunk streams")
            stream = self._streams[number] = _ChunkStream()
        if begins:
            self._begin(stream, form, header, step, is_extended=is_extended)
        self._current = stream
        self._missing = min(self._chunk_size, stream.length - len(stream.body))
        return at

    @staticmethod
    def _step(stream: _ChunkStream | None, form: int, header: bytes) -> tuple[int, bool]:
        if form == 3 and stream is not None:
            return stream.step, stream.is_extended
        step = int.from_bytes(header[:3], "big")
        return step, step == _EXTENDED

    def _begin(
        self, stream: _ChunkStream, form: int, header: bytes, step: int, *, is_extended: bool
    ) -> None:
        if form < 2:
            stream.length = int.from_bytes(header[3:6], "big")
            stream.kind = header[6]
            if stream.length > self._largest_message:
                raise Malformed("a message is too large")
        if form == 0:
            stream.stream_id = int.from_bytes(header[7:11], "little")
            stream.timestamp = step
        else:
            # After a whole timestamp, form 3 repeats that as the distance: so it is specified.
            stream.timestamp = (stream.timestamp + step) & _CLOCK
        stream.step, stream.is_extended = step, is_extended

    def _whole(self, stream: _ChunkStream) -> Message | None:
        body = bytes(stream.body)
        stream.body.clear()
        self._pending -= len(body)
        if stream.kind == SET_CHUNK_SIZE:
            size = int.from_bytes(body[:4], "big") & 0x7FFFFFFF
            if len(body) < 4 or size < SMALLEST_CHUNK_SIZE:
                raise Malformed("a chunk size that cannot be")
            self._chunk_size = min(size, LARGEST_CHUNK_SIZE)
            return None
        if stream.kind == ABORT:
            aborted = self._streams.get(int.from_bytes(body[:4], "big"))
            if aborted is not None:
                self._pending -= len(aborted.body)
                aborted.body.clear()
            return None
        if not body:
            return None
        return Message(stream.kind, stream.stream_id, stream.timestamp, body)


class ChunkWriter:
    """Cuts our own, short and rare messages into chunks."""

    def __init__(self) -> None:
        self.chunk_size = FIRST_CHUNK_SIZE

    def write(self, message: Message, *, chunk_stream: int) -> bytes:
        """Return a message as chunks of a chunk stream from 2 to 63."""
        body, size = message.body, self.chunk_size
        # No message of ours has a timestamp that would need the long form.
        header = (
            bytes([chunk_stream])
            + message.timestamp.to_bytes(3, "big")
            + len(body).to_bytes(3, "big")
            + bytes([message.kind])
            + message.stream_id.to_bytes(4, "little")
        )
        pieces = [body[at : at + size] for at in range(0, len(body), size)]
        return header + bytes([0xC0 | chunk_stream]).join(pieces)
