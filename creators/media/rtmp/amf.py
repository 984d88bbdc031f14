"""AMF0: the little language of values in which RTMP's commands are written.

Action Message Format 0 (Adobe, 2007). What a stranger sends is bounded in depth and in number of
values; its size is the message's.
"""

import struct
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import TypeAlias

from creators.media.rtmp.malformed import Malformed

Value: TypeAlias = "float | bool | str | list[Value] | dict[str, Value] | None"

DEPTH = 8
VALUES = 512

_DOUBLE = struct.Struct(">d")


class Marker(IntEnum):
    """The byte before a value that says what it is."""

    NUMBER = 0
    BOOLEAN = 1
    STRING = 2
    OBJECT = 3
    NULL = 5
    UNDEFINED = 6
    ECMA_ARRAY = 8
    OBJECT_END = 9
    STRICT_ARRAY = 10
    DATE = 11
    LONG_STRING = 12
    UNSUPPORTED = 13
    XML = 15
    TYPED_OBJECT = 16


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.values = 0

    def take(self, size: int) -> bytes:
        taken = self.data[self.at : self.at + size]
        if len(taken) < size:
            raise Malformed("AMF0 ends in the middle of a value")
        self.at += size
        return taken

    def text(self, size_bytes: int) -> str:
        size = int.from_bytes(self.take(size_bytes), "big")
        return self.take(size).decode(errors="replace")

    def properties(self, depth: int) -> dict[str, Value]:
        found: dict[str, Value] = {}
        while True:
            name = self.text(2)
            if not name and self.data[self.at : self.at + 1] == bytes([Marker.OBJECT_END]):
                self.at += 1
                return found
            found[name] = self.value(depth + 1)

    def value(self, depth: int = 0) -> Value:
        self.values += 1
        if self.values > VALUES or depth > DEPTH:
            raise Malformed("AMF0 with too many values")
        marker = self.take(1)[0]
        match marker:
            case Marker.NUMBER:
                number: float = _DOUBLE.unpack(self.take(8))[0]
                return number
            case Marker.BOOLEAN:
                return self.take(1) != b"\0"
            case Marker.STRING:
                return self.text(2)
            case Marker.OBJECT:
                return self.properties(depth)
            case Marker.NULL | Marker.UNDEFINED | Marker.UNSUPPORTED:
                return None
            case Marker.ECMA_ARRAY:
                self.take(4)  # how many there are; the end marker says it, too
                return self.properties(depth)
            case Marker.STRICT_ARRAY:
                count = int.from_bytes(self.take(4), "big")
                if count > VALUES:
                    raise Malformed("AMF0 with too many values")
                return [self.value(depth + 1) for _ in range(count)]
            case Marker.DATE:
                when: float = _DOUBLE.unpack(self.take(8))[0]
                self.take(2)
                return when
            case Marker.LONG_STRING | Marker.XML:
                return self.text(4)
            case Marker.TYPED_OBJECT:
                self.text(2)
                return self.properties(depth)
        raise Malformed("AMF0 with a value of unknown type")


def decode(data: bytes) -> list[Value]:
    """Return all values that stand one after the other in data.

    :raises Malformed: it is not AMF0, too deep, or too much
    """
    reader = _Reader(data)
    values = []
    while reader.at < len(data):
        values.append(reader.value())
    return values


def first(data: bytes) -> tuple[Value, bytes]:
    """Return the first value and the bytes after it.

    :raises Malformed: it is not AMF0, too deep, or too much
    """
    reader = _Reader(data)
    return reader.value(), data[reader.at :]


def _encode_name(text: str) -> bytes:
    raw = text.encode()[:0xFFFF]
    return len(raw).to_bytes(2, "big") + raw


def _encode(value: object) -> bytes:
    match value:
        case None:
            return bytes([Marker.NULL])
        case bool():
            return bytes([Marker.BOOLEAN, value])
        case int() | float():
            return bytes([Marker.NUMBER]) + _DOUBLE.pack(value)
        case str():
            return bytes([Marker.STRING]) + _encode_name(value)
        case Mapping():
            pairs = b"".join(_encode_name(str(key)) + _encode(one) for key, one in value.items())
            return bytes([Marker.OBJECT]) + pairs + bytes([0, 0, Marker.OBJECT_END])
        case Sequence():
            return (
                bytes([Marker.STRICT_ARRAY])
                + len(value).to_bytes(4, "big")
                + b"".join(_encode(one) for one in value)
            )
    raise TypeError(f"AMF0 has no {type(value).__name__}")


def encode(*values: object) -> bytes:
    """Return the values one after the other: None, bool, numbers, str, mappings, sequences."""
    return b"".join(_encode(value) for value in values)
