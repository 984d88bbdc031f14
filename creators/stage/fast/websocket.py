"""A server's side of RFC 6455 and RFC 7692 as a machine without a socket: bytes in, messages out.

`Parser.feed` yields what a client said and raises `Broken` with the close code at its first error.
Compressed messages stand alone (no context takeover in either direction), so that a connection
keeps no window, and what is sent can be shared. Building is in bytes.py.
"""

import struct
import zlib
from codecs import getincrementaldecoder
from collections.abc import Iterator
from enum import IntEnum
from typing import Final, NamedTuple

try:
    from websockets.speedups import apply_mask
except ImportError:  # a platform without the compiled part
    from websockets.utils import apply_mask

PROTOCOL_ERROR: Final = 1002
INVALID_TEXT: Final = 1007
TOO_LARGE: Final = 1009

_FIN: Final = 0x80
_RSV1: Final = 0x40
_RSV2_AND_3: Final = 0x30
_MASKED: Final = 0x80
_WHOLE_TEXT: Final = _FIN | 1
_CONTINUATION: Final = 0
_FIRST_CONTROL: Final = 8
_MOST_IN_CONTROL: Final = 125
# What does not compress grows by a few bytes.
_SLACK: Final = 64
# A fragment may be empty, and so a message of a few bytes may never end: on the average it shall
# hold so many.
_LEAST_IN_FRAGMENT: Final = 4
_FLUSHED: Final = b"\x00\x00\xff\xff"
# After a final block: the empty one that RFC 7692 (7.2.3.4) asks for, or nothing.
_AFTER_FINAL: Final = (_FLUSHED, b"\x00" + _FLUSHED)
_Utf8Decoder: Final = getincrementaldecoder("utf-8")


class Kind(IntEnum):
    """What a frame or a message is, as it stands in a frame's first byte."""

    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


class Message(NamedTuple):
    """A whole message; `code` is a close's, 0 when it has none, and `text` its reason."""

    kind: Kind
    text: str = ""
    data: bytes = b""
    code: int = 0


class Broken(Exception):
    """A client broke the protocol, or a limit; `code` is what it is closed with."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class _Parts:
    """A message of which more fragments are to come."""

    __slots__ = ("chunks", "count", "decoder", "is_packed", "kind", "size", "texts")

    def __init__(self, kind: Kind, *, is_packed: bool) -> None:
        self.kind = kind
        self.is_packed = is_packed
        self.size = 0
        self.count = 0
        self.chunks: list[bytes] = []
        self.texts: list[str] = []
        # What is not text is found out at once, also when a character is cut in two.
        self.decoder = _Utf8Decoder() if kind is Kind.TEXT and not is_packed else None


class Parser:
    """`limit` is the largest message in bytes, inflated and put together."""

    __slots__ = ("_inflates", "_limit", "_needed", "_parts", "_rest", "is_over")

    def __init__(self, *, limit: int, inflates: bool) -> None:
        self._limit = limit
        self._inflates = inflates
        self._rest: bytearray | None = None
        self._needed = 0
        self._parts: _Parts | None = None
        # After a close or an error nothing counts any more.
        self.is_over = False

    def feed(self, data: bytes) -> Iterator[Message]:
        """Take what came in; give the messages that are whole now.

        :raises Broken: after what was said before the error
        """
        if self.is_over:
            return
        if self._rest is not None:
            self._rest += data
            if len(self._rest) < self._needed:
                return
            data = bytes(self._rest)
            self._rest = None
        at, end = 0, len(data)
        while at < end:
            start, size = self._head(data, at, end)
            if start + size > end:
                self._rest = bytearray(data[at:])
                self._needed = start + size - at
                return
            body = data[start : start + size]
            if size:
                body = apply_mask(body, data[start - 4 : start])
            first, at = data[at], start + size
            message = self._take(first, body)
            if message is not None:
                if message.kind is Kind.CLOSE:
                    self.is_over = True
                yield message
                if self.is_over:
                    return

    def _head(self, data: bytes, at: int, end: int) -> tuple[int, int]:
        """Return where a frame's payload starts and how long it is, as far as can be told yet."""
        if end - at < 2:
            return at + 2, 0
        first, second = data[at], data[at + 1]
        size, start = second & 0x7F, at + 6
        if not second & _MASKED:
            raise self._broken(PROTOCOL_ERROR, "a client must mask")
        if first != _WHOLE_TEXT or self._parts is not None:
            self._check(first, size)
        if size == 126:
            if end - at < 4:
                return at + 4, 0
            (size,) = struct.unpack_from("!H", data, at + 2)
            start = at + 8
            if size < 126:
                raise self._broken(PROTOCOL_ERROR, "a length must be as short as possible")
        elif size == 127:
            if end - at < 10:
                return at + 10, 0
            (size,) = struct.unpack_from("!Q", data, at + 2)
            start = at + 14
            if not 1 << 16 <= size < 1 << 63:
                raise self._broken(PROTOCOL_ERROR, "a length must be as short as possible")
        if first & 0x0F < _FIRST_CONTROL:
            self._check_size(first, size)
        return start, size

    def _check(self, first: int, size: int) -> None:
        opcode = first & 0x0F
        if first & _RSV2_AND_3:
            raise self._broken(PROTOCOL_ERROR, "reserved bits")
        if opcode >= _FIRST_CONTROL:
            if opcode > Kind.PONG:
                raise self._broken(PROTOCOL_ERROR, "reserved opcode")
            if not first & _FIN or size > _MOST_IN_CONTROL or first & _RSV1:
                raise self._broken(PROTOCOL_ERROR, "a control frame is short, whole and plain")
            return
        if opcode > Kind.BINARY:
            raise self._broken(PROTOCOL_ERROR, "reserved opcode")
        if (opcode == _CONTINUATION) is (self._parts is None):
            raise self._broken(PROTOCOL_ERROR, "a fragment out of its place")
        if first & _RSV1 and (not self._inflates or opcode == _CONTINUATION):
            raise self._broken(PROTOCOL_ERROR, "reserved bits")

    def _check_size(self, first: int, size: int) -> None:
        parts = self._parts
        is_packed = first & _RSV1 if parts is None else parts.is_packed
        before = 0 if parts is None else parts.size
        if before + size > self._limit + (_SLACK if is_packed else 0):
            raise self._broken(TOO_LARGE, f"{self._limit} bytes at most")

    def _take(self, first: int, body: bytes) -> Message | None:
        opcode = first & 0x0F
        if opcode >= _FIRST_CONTROL:
            return self._closing(body) if opcode == Kind.CLOSE else Message(Kind(opcode), data=body)
        parts = self._parts
        if parts is None:
            kind = Kind(opcode)
            is_packed = bool(first & _RSV1)
            if first & _FIN:
                return self._whole(kind, self._inflate(body) if is_packed else body)
            parts = self._parts = _Parts(kind, is_packed=is_packed)
        is_last = bool(first & _FIN)
        parts.size += len(body)
        parts.count += 1
        if parts.count * _LEAST_IN_FRAGMENT > max(self._limit, 1024):
            raise self._broken(TOO_LARGE, "too many fragments")
        if parts.decoder is None:
            parts.chunks.append(body)
        else:
            try:
                parts.texts.append(parts.decoder.decode(body, is_last))
            except UnicodeDecodeError:
                raise self._broken(INVALID_TEXT, "not UTF-8") from None
        if not is_last:
            return None
        self._parts = None
        if parts.decoder is not None:
            return Message(parts.kind, text="".join(parts.texts))
        body = b"".join(parts.chunks)
        return self._whole(parts.kind, self._inflate(body) if parts.is_packed else body)

    def _whole(self, kind: Kind, body: bytes) -> Message:
        if kind is Kind.BINARY:
            return Message(kind, data=body)
        try:
            return Message(kind, text=body.decode())
        except UnicodeDecodeError:
            raise self._broken(INVALID_TEXT, "not UTF-8") from None

    def _inflate(self, packed: bytes) -> bytes:
        unpacker = zlib.decompressobj(-15)
        try:
            # It stops there, whatever would come out.
            body = unpacker.decompress(packed + _FLUSHED, self._limit + 1)
        except zlib.error:
            raise self._broken(PROTOCOL_ERROR, "not deflated") from None
        if len(body) > self._limit:
            raise self._broken(TOO_LARGE, f"{self._limit} bytes at most")
        if unpacker.eof and unpacker.unused_data not in _AFTER_FINAL:
            raise self._broken(PROTOCOL_ERROR, "not deflated")
        return body

    def _closing(self, body: bytes) -> Message:
        if not body:
            return Message(Kind.CLOSE)
        code = int.from_bytes(body[:2], "big")
        if len(body) == 1 or not may_be_received(code):
            raise self._broken(PROTOCOL_ERROR, "no such close code")
        try:
            return Message(Kind.CLOSE, text=body[2:].decode(), code=code)
        except UnicodeDecodeError:
            raise self._broken(INVALID_TEXT, "not UTF-8") from None

    def _broken(self, code: int, reason: str) -> Broken:
        self.is_over = True
        self._rest = None
        self._parts = None
        return Broken(code, reason)


def may_be_received(code: int) -> bool:
    """Tell whether a close frame may have this code: those of RFC 6455 and the registry."""
    return 3000 <= code <= 4999 or (1000 <= code <= 1014 and code not in (1004, 1005, 1006))
