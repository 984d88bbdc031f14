"""What RTMP's messages mean: commands, script data, aggregates, and the ones that we send."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from creators.media.rtmp import amf
from creators.media.rtmp.chunks import SET_CHUNK_SIZE, Message
from creators.media.rtmp.malformed import Malformed

# No encoder's command or description of its stream comes near it.
LARGEST_WORDS = 64 * 1024
_TAG_HEADER = 11
_CLOCK = 0xFFFFFFFF


class Kind(IntEnum):
    """The message types of RTMP 1.0 that are dealt with outside of the chunks."""

    ACKNOWLEDGEMENT = 3
    USER_CONTROL = 4
    WINDOW = 5
    PEER_BANDWIDTH = 6
    AUDIO = 8
    VIDEO = 9
    DATA_AMF3 = 15
    COMMAND_AMF3 = 17
    DATA = 18
    COMMAND = 20
    AGGREGATE = 22


STREAM_BEGIN, PING_REQUEST, PING_RESPONSE = 0, 6, 7


@dataclass(frozen=True, slots=True)
class Command:
    name: str
    # What an answer has to repeat; 0: no answer is expected.
    transaction: float
    arguments: list[amf.Value]
    stream_id: int

    def argument(self, place: int) -> amf.Value:
        return self.arguments[place] if place < len(self.arguments) else None

    def text(self, place: int) -> str:
        value = self.argument(place)
        return value if isinstance(value, str) else ""


def _words(message: Message) -> bytes:
    if len(message.body) > LARGEST_WORDS:
        raise Malformed("a command is too large")
    # AMF3 messages begin with a byte that says that AMF0 follows; nobody sends anything else.
    is_amf3 = message.kind in (Kind.COMMAND_AMF3, Kind.DATA_AMF3)
    return message.body[1:] if is_amf3 else message.body


def command(message: Message) -> Command:
    """Read a command.

    :raises Malformed: it is none
    """
    match amf.decode(_words(message)):
        case [str(name), int() | float() as transaction, *arguments]:
            return Command(name, float(transaction), arguments, message.stream_id)
    raise Malformed("a command without name or number")


def description(message: Message) -> tuple[bytes, dict[str, amf.Value]] | None:
    """Return the script tag's body and the values that describe the stream, None for other data.

    `@setDataFrame` is for the server, not for the file: it is left out.

    :raises Malformed: it is not script data
    """
    words = _words(message)
    name, rest = amf.first(words)
    if name == "@setDataFrame":
        words = rest
        if not words:
            return None
        name, rest = amf.first(words)
    if name != "onMetaData":
        return None
    values = amf.decode(rest)
    about = values[0] if values else None
    return words, about if isinstance(about, dict) else {}


def parts_of(aggregate: Message) -> Iterator[Message]:
    """Yield the messages in an aggregate one (RTMP 1.0, section 7.1.6), with times put right.

    :raises Malformed: it is cut off or holds another aggregate
    """
    body, at = aggregate.body, 0
    shift: int | None = None
    while at < len(body):
        header = body[at : at + _TAG_HEADER]
        size = int.from_bytes(header[1:4], "big")
        at += _TAG_HEADER
        # Each is followed by its own size, in four bytes.
        if len(body) < at + size + 4:
            raise Malformed("an aggregate message is cut off")
        timestamp = int.from_bytes(header[7:8] + header[4:7], "big")
        if shift is None:
            shift = aggregate.timestamp - timestamp
        if header[0] == Kind.AGGREGATE:
            raise Malformed("an aggregate message in another")
        if size:
            yield Message(
                header[0],
                aggregate.stream_id,
                (timestamp + shift) & _CLOCK,
                body[at : at + size],
            )
        at += size + 4


def control(kind: int, value: int) -> Message:
    """Return a protocol control message (chunk size, window, acknowledgement)."""
    return Message(kind, 0, 0, (value & _CLOCK).to_bytes(4, "big"))


def chunk_size(size: int) -> Message:
    return control(SET_CHUNK_SIZE, size)


def peer_bandwidth(size: int) -> Message:
    dynamic = 2
    return Message(Kind.PEER_BANDWIDTH, 0, 0, size.to_bytes(4, "big") + bytes([dynamic]))


def user_control(event: int, value: int) -> Message:
    body = event.to_bytes(2, "big") + (value & _CLOCK).to_bytes(4, "big")
    return Message(Kind.USER_CONTROL, 0, 0, body)


def say(stream_id: int, *values: object) -> Message:
    """Return a command of ours."""
    return Message(Kind.COMMAND, stream_id, 0, amf.encode(*values))


def status(stream_id: int, *, level: str, code: str, text: str) -> Message:
    """Return what tells a publisher how it stands."""
    about = {"level": level, "code": code, "description": text}
    return say(stream_id, "onStatus", 0, None, about)
