"""What the bench's viewers say and hear on the wire: websockets by hand, ours and Socket.IO's.

Reading is cheap (headers only; bodies once for all who get the same), and so is writing: a client
must mask, but nobody asks for a mask other than zero.
"""

import base64
import os
import zlib
from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from benchmarks.stage.book import Event, Heard

TEXT: Final = 1
CLOSE: Final = 8
PING: Final = 9
PONG: Final = 10
_FIN: Final = 0x80
_DEFLATED: Final = 0x40
_MASKED: Final = 0x80
# A bench's text within an event: kind of series, its writer, number, time, padding.
_MARK: Final = "bench"


# --- Websockets -------------------------------------------------------------------------------


def request(path: str, *, host: str, headers: Mapping[str, str], deflate: bool) -> bytes:
    """Write a browser's handshake."""
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: {host}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {key}",
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64) bench",
        "Accept-Language: en",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    if deflate:
        lines.append("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits")
    return "\r\n".join([*lines, "", ""]).encode()


def masked(body: bytes, *, opcode: int = TEXT) -> bytes:
    """Write a client's message."""
    if len(body) < 126:
        head = bytes((_FIN | opcode, _MASKED | len(body)))
    else:
        head = bytes((_FIN | opcode, _MASKED | 126)) + len(body).to_bytes(2, "big")
    return head + b"\0\0\0\0" + body


def plain(body: bytes, *, opcode: int = TEXT) -> bytes:
    """Write a server's message."""
    size = len(body)
    if size < 126:
        return bytes((_FIN | opcode, size)) + body
    if size < 1 << 16:
        return bytes((_FIN | opcode, 126)) + size.to_bytes(2, "big") + body
    return bytes((_FIN | opcode, 127)) + size.to_bytes(8, "big") + body


def extent(buffer: bytearray, start: int, end: int) -> tuple[int, int] | None:
    """Return how long the header and the body of a server's message are; None: not there yet."""
    if end - start < 2:
        return None
    short = buffer[start + 1] & 127
    head = 2 if short < 126 else 4 if short == 126 else 10
    if end - start < head:
        return None
    size = short if head == 2 else int.from_bytes(buffer[start + 2 : start + head], "big")
    return (head, size) if end - start >= head + size else None


def body_of(raw: bytes) -> bytes:
    """Return what a server's whole message says, inflated."""
    short = raw[1] & 127
    body = raw[2 if short < 126 else 4 if short == 126 else 10 :]
    if raw[0] & _DEFLATED:
        body = zlib.decompressobj(-15).decompress(body + b"\0\0\xff\xff")
    return body


# --- Marks ------------------------------------------------------------------------------------


def mark(series: str, number: int, now: float) -> str:
    return f"{_MARK} {series} {number} {now:.6f}"


def unmark(text: str, seq: int) -> Event | None:
    """Read a mark back; None when the text is not one of the bench."""
    words = text.split(" ")
    if len(words) < 4 or words[0] != _MARK:
        return None
    return Event(words[1], int(words[2]), float(words[3]), seq)


# --- Ours -------------------------------------------------------------------------------------


class _Line(msgspec.Struct):
    body: str = ""


class _Event(msgspec.Struct):
    seq: int
    t: str
    title: str = ""
    line: _Line | None = None


class _Frame(msgspec.Struct, rename={"first": "from"}):
    epoch: str
    first: int
    seq: int
    events: list[_Event]
    left_out: int = 0


class Told(msgspec.Struct):
    """What a viewer must know of a message that is no frame."""

    t: str
    room: str = ""
    epoch: str = ""
    seq: int = 0
    code: str = ""
    ref: str = ""


_frames: Final = msgspec.json.Decoder(_Frame)
_told: Final = msgspec.json.Decoder(Told)
_FRAME: Final = b'{"room":"'
_LIVE: Final = b'{"room":"live"'


def kind_of(body: bytes) -> Literal["live", "other", "told"]:
    """Tell a frame of the show from those of other rooms and from what is said to one socket."""
    if body.startswith(_LIVE):
        return "live"
    return "other" if body.startswith(_FRAME) else "told"


def told(body: bytes) -> Told:
    return _told.decode(body)


def read_frame(raw: bytes) -> Heard:
    """Read one of our frames, and check the numbers in it."""
    frame = _frames.decode(body_of(raw))
    numbers = [event.seq for event in frame.events]
    known = set(numbers)
    missing = len(set(range(frame.first, frame.seq + 1)) - known) - frame.left_out
    outside = sum(not frame.first <= number <= frame.seq for number in known)
    marks = (
        unmark(event.line.body if event.line else event.title, event.seq) for event in frame.events
    )
    return Heard(
        epoch=frame.epoch,
        first=frame.first,
        last=frame.seq,
        events=tuple(found for found in marks if found is not None),
        holes=max(0, missing),
        repeats=len(numbers) - len(known) + outside + (numbers != sorted(numbers)),
    )


def resume(positions: Mapping[str, tuple[str, int]]) -> bytes:
    rooms = {room: {"epoch": epoch, "seq": seq} for room, (epoch, seq) in positions.items()}
    return masked(msgspec.json.encode({"t": "resume", "rooms": rooms}))


def chat(client_id: str, body: str) -> bytes:
    return masked(msgspec.json.encode({"t": "chat", "client_id": client_id, "body": body}))


# --- Socket.IO --------------------------------------------------------------------------------

_EVENT: Final = b'42["event",'
_EVENTS: Final = b'42["events",'


def is_socketio_event(body: bytes) -> bool:
    return body.startswith((_EVENT, _EVENTS))


def read_socketio(raw: bytes) -> Heard:
    """Read one event, or the events of one window; their numbers are the publisher's."""
    name, said = msgspec.json.decode(body_of(raw)[2:])
    events: list[dict[str, Any]] = said if name == "events" else [said]
    found = [unmark(event["title"], 0) for event in events]
    marks = [Event(one.series, one.number, one.published, one.number) for one in found if one]
    numbers = [one.number for one in marks]
    spread = numbers[-1] - numbers[0] + 1
    return Heard(
        epoch="socketio",
        first=numbers[0],
        last=numbers[-1],
        events=tuple(marks),
        holes=max(0, spread - len(numbers)),
        repeats=len(numbers) - len(set(numbers)) + (numbers != sorted(numbers)),
    )
