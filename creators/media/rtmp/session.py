"""One publisher's conversation, without the network: bytes in, events and answers out.

The order is: handshake, connect, createStream, publish, media. Media before a publish that was
accepted ends it, and so does anything that is more than a publisher has to say.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from creators.media.rtmp import flv, messages
from creators.media.rtmp.amf import Value
from creators.media.rtmp.chunks import ChunkReader, ChunkWriter, Message
from creators.media.rtmp.handshake import Handshake
from creators.media.rtmp.malformed import Malformed
from creators.media.rtmp.messages import Command, Kind

_WINDOW = 2_500_000
_SMALLEST_WINDOW = 64 * 1024
# What an encoder hears, and what most then use themselves: large chunks are less work.
_CHUNK_SIZE = 64 * 1024
_CONTROL_CHUNKS, _COMMAND_CHUNKS, _STATUS_CHUNKS = 2, 3, 5
_STREAM_ID = 1
_LONGEST_KEY = 200
# Pictures are sent in the order in which they are decoded; a clock that goes back by more (in
# milliseconds) has begun anew, which nothing behind this door could follow.
_MOST_BACK = 1000
_CLOCK = 0xFFFFFFFF

_MEDIA_KINDS = {Kind.AUDIO, Kind.VIDEO, Kind.DATA, Kind.DATA_AMF3, Kind.AGGREGATE}


class Phase(Enum):
    GREETING = auto()
    CONNECTING = auto()
    CONNECTED = auto()
    # Waits for `accept` or `refuse`.
    ASKING = auto()
    PUBLISHING = auto()
    OVER = auto()


@dataclass(frozen=True, slots=True)
class Publish:
    """It wants to publish; the one who reads the events now calls `accept` or `refuse`."""

    key: str

    def __repr__(self) -> str:
        return "Publish(…)"


@dataclass(frozen=True, slots=True)
class Media:
    """Bytes of the FLV file; only of some it can be said that a picture or sound is coming in."""

    data: bytes
    is_moving: bool = False


@dataclass(frozen=True, slots=True)
class Left:
    """It has ended by itself, in good order."""


Event = Publish | Media | Left


class Session:
    """`outgoing` is to be sent, and emptied, after each event and after `receive`."""

    def __init__(self, *, app: str, reader: ChunkReader, before_publishing: int) -> None:
        self.phase = Phase.GREETING
        self.outgoing = bytearray()
        self.received = 0
        self._app = app
        self._before_publishing = before_publishing
        self._handshake = Handshake()
        self._reader = reader
        self._writer = ChunkWriter()
        self._window = _WINDOW
        self._acknowledged = 0
        self._stream_id = _STREAM_ID
        self._has_header = False
        self._last_picture: int | None = None

    @property
    def pending(self) -> int:
        """How many bytes are kept of messages that are not whole yet."""
        return self._reader.pending

    def receive(self, data: bytes) -> Iterator[Event]:
        """Take bytes; yield what they say, one after the other as it is asked for.

        :raises Malformed: this is no publisher; the connection has to end
        :raises UnsupportedCodec: its codecs can't be shown
        """
        self.received += len(data)
        if self.phase is Phase.GREETING:
            answer, data = self._handshake.feed(data)
            self.outgoing += answer
            if not self._handshake.is_over:
                return
            self.phase = Phase.CONNECTING
        if self.phase is not Phase.PUBLISHING and self.received > self._before_publishing:
            raise Malformed("it talks too much before it publishes")
        for message in self._reader.feed(data):
            if self.phase is Phase.OVER:
                return
            yield from self._handle(message)
        if self.received - self._acknowledged >= self._window:
            self._acknowledged = self.received
            self._control(messages.control(Kind.ACKNOWLEDGEMENT, self.received))

    def accept(self) -> None:
        """Let it publish."""
        self.phase = Phase.PUBLISHING
        self._control(messages.user_control(messages.STREAM_BEGIN, self._stream_id))
        self._status("status", "NetStream.Publish.Start", "You are publishing.")

    def refuse(self, code: str, text: str) -> None:
        """Tell it why it may not publish, or no longer; the connection has to end."""
        if self.phase in (Phase.ASKING, Phase.PUBLISHING):
            self._status("error", code, text)
        self.phase = Phase.OVER

    def _control(self, message: Message) -> None:
        self.outgoing += self._writer.write(message, chunk_stream=_CONTROL_CHUNKS)

    def _say(self, *values: object) -> None:
        said = messages.say(0, *values)
        self.outgoing += self._writer.write(said, chunk_stream=_COMMAND_CHUNKS)

    def _status(self, level: str, code: str, text: str) -> None:
        said = messages.status(self._stream_id, level=level, code=code, text=text)
        self.outgoing += self._writer.write(said, chunk_stream=_STATUS_CHUNKS)

    def _handle(self, message: Message) -> Iterator[Event]:
        match message.kind:
            case kind if kind in _MEDIA_KINDS:
                if self.phase is not Phase.PUBLISHING:
                    raise Malformed("media before it may publish")
                if kind == Kind.AGGREGATE:
                    for part in messages.parts_of(message):
                        yield from self._media(part)
                else:
                    yield from self._media(message)
            case Kind.COMMAND | Kind.COMMAND_AMF3:
                yield from self._command(messages.command(message))
            case Kind.USER_CONTROL:
                self._user_control(message.body)
            case Kind.WINDOW:
                self._window = max(int.from_bytes(message.body[:4], "big"), _SMALLEST_WINDOW)

    def _user_control(self, body: bytes) -> None:
        if int.from_bytes(body[:2], "big") == messages.PING_REQUEST:
            sent = int.from_bytes(body[2:6], "big")
            self._control(messages.user_control(messages.PING_RESPONSE, sent))

    def _media(self, message: Message) -> Iterator[Media]:
        match message.kind:
            case Kind.VIDEO:
                kind, body = Kind.VIDEO, message.body
                is_wanted = flv.is_wanted_video(body)
                if is_wanted and flv.is_frame(body):
                    self._check_clock(message.timestamp)
            case Kind.AUDIO:
                kind, body = Kind.AUDIO, message.body
                is_wanted = flv.is_wanted_audio(body)
            case Kind.DATA | Kind.DATA_AMF3:
                yield from self._description(message)
                return
            case _:
                return
        if is_wanted:
            yield from self._header({})
            yield Media(flv.tag(kind, message.timestamp, body), is_moving=True)

    def _check_clock(self, timestamp: int) -> None:
        """End what begins its clock anew: the encoder comes back, as a run of its own."""
        last, self._last_picture = self._last_picture, timestamp
        if last is not None and _MOST_BACK < (last - timestamp) & _CLOCK < _CLOCK // 2:
            raise Malformed("its clock went back")

    def _description(self, message: Message) -> Iterator[Media]:
        described = messages.description(message)
        if described is None:
            return
        body, about = described
        yield from self._header(about)
        yield Media(flv.tag(Kind.DATA, message.timestamp, body))

    def _header(self, about: dict[str, Value]) -> Iterator[Media]:
        if not self._has_header:
            self._has_header = True
            yield Media(flv.header(about))

    def _command(self, command: Command) -> Iterator[Event]:
        match command.name:
            case "connect":
                self._connect(command)
            case "createStream":
                self._after(Phase.CONNECTED)
                self._say("_result", command.transaction, None, _STREAM_ID)
            case "getStreamLength":
                self._say("_result", command.transaction, None, 0)
            case "releaseStream" | "FCPublish":
                self._after(Phase.CONNECTED)
                self._say("_result", command.transaction, None)
            case "publish":
                self._after(Phase.CONNECTED)
                yield from self._publish(command)
            case "FCUnpublish" | "deleteStream" | "closeStream":
                # (Some send deleteStream before, to be sure that nothing is left.)
                if self.phase is Phase.PUBLISHING:
                    self._status("status", "NetStream.Unpublish.Success", "You have stopped.")
                    self.phase = Phase.OVER
                    yield Left()
            case "play" | "play2":
                raise Malformed("it wants to watch")

    def _after(self, *phases: Phase) -> None:
        if self.phase not in phases:
            raise Malformed("a command out of turn")

    def _connect(self, command: Command) -> None:
        self._after(Phase.CONNECTING)
        about = command.argument(0)
        app = about.get("app") if isinstance(about, dict) else None
        if not isinstance(app, str) or app.partition("?")[0].strip("/") != self._app:
            code = "NetConnection.Connect.Rejected"
            text = f"The server's address has to end with /{self._app}"
            status = {"level": "error", "code": code, "description": text}
            self._say("_error", command.transaction, None, status)
            self.phase = Phase.OVER
            raise Malformed("it asks for another application")
        self._control(messages.control(Kind.WINDOW, _WINDOW))
        self._control(messages.peer_bandwidth(_WINDOW))
        self._control(messages.chunk_size(_CHUNK_SIZE))
        self._writer.chunk_size = _CHUNK_SIZE
        code = "NetConnection.Connect.Success"
        self._say(
            "_result",
            command.transaction,
            {"fmsVer": "FMS/3,0,1,123", "capabilities": 31},
            {"level": "status", "code": code, "description": "Welcome.", "objectEncoding": 0},
        )
        self.phase = Phase.CONNECTED

    def _publish(self, command: Command) -> Iterator[Publish]:
        self._stream_id = command.stream_id or _STREAM_ID
        # Keys are copied by hand, with what stands around them.
        key = command.text(1).partition("?")[0].strip()
        self.phase = Phase.ASKING
        yield Publish(key[:_LONGEST_KEY])
