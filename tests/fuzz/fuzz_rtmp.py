"""What must hold for RTMP, whatever is sent: see `check`.

The first byte of an input says what reads it, the second into how large pieces it is cut.
"""

from collections.abc import Iterator
from contextlib import suppress

from creators.media.rtmp import amf, messages
from creators.media.rtmp.chunks import ChunkReader, Message
from creators.media.rtmp.flv import UnsupportedCodec
from creators.media.rtmp.malformed import Malformed
from creators.media.rtmp.session import Media, Publish, Session
from tests.creators.media.rtmp import encoder

BEGINNING, PUBLISHING, CHUNKS, VALUES, GREETING = range(5)
LARGEST_MESSAGE = 4096
LARGEST_PENDING = 6000
CHUNK_STREAMS = 8
LONGEST = 8 * 1024
# What a session has heard before.
OPENINGS = {
    GREETING: b"",
    BEGINNING: encoder.GREETING + encoder.ANSWER,
    PUBLISHING: encoder.GREETING + encoder.ANSWER + encoder.as_obs("key"),
}
# What chance alone would hardly write.
WORDS = (
    "connect app live createStream publish FCUnpublish deleteStream closeStream getStreamLength"
    " releaseStream play @setDataFrame onMetaData videocodecid audiocodecid"
).split()


def _reader() -> ChunkReader:
    return ChunkReader(
        largest_message=LARGEST_MESSAGE,
        largest_pending=LARGEST_PENDING,
        chunk_streams=CHUNK_STREAMS,
    )


def _pieces(data: bytes, size: int) -> Iterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


def _read(data: bytes, size: int) -> tuple[list[Message], bool]:
    reader, found = _reader(), []
    for piece in _pieces(data, size):
        try:
            found += reader.feed(piece)
        except Malformed:
            return found, False
        assert reader.pending <= LARGEST_PENDING + 17
    return found, True


def check_chunks(data: bytes, size: int) -> None:
    """However bytes are split, the same messages come of them, and no more than there were."""
    whole, is_whole = _read(data, max(len(data), 1))
    found, is_fine = _read(data, size)
    assert is_fine == is_whole
    assert found == whole or not is_fine
    assert sum(len(message.body) for message in found) <= len(data)
    for message in found:
        with suppress(Malformed):
            messages.command(message)
        with suppress(Malformed):
            messages.description(message)
        with suppress(Malformed):
            parts = list(messages.parts_of(message))
            assert sum(len(part.body) for part in parts) <= len(message.body)


def check_session(opening: bytes, data: bytes, size: int) -> None:
    """A session ends by its own errors only, answers in proportion, and its FLV can be read."""
    session = Session(app="live", reader=_reader(), before_publishing=64 * 1024)
    flv, answers = b"", 0
    with suppress(Malformed, UnsupportedCodec):
        for piece in [opening, *_pieces(data, size)]:
            for event in session.receive(piece):
                match event:
                    case Publish():
                        session.accept()
                    case Media():
                        flv += event.data
            answers += len(session.outgoing)
            session.outgoing.clear()
            assert session.pending <= LARGEST_PENDING + 17
    assert answers <= 8 * 1024 + 8 * len(data)
    if flv:
        encoder.tags(flv)


def check_values(data: bytes) -> None:
    """What is read can be written, and is then read as the same."""
    try:
        values = amf.decode(data)
    except Malformed:
        return
    # (Compared as text: a number that is none is not equal to itself.)
    assert repr(amf.decode(amf.encode(*values))) == repr(values)


def check(data: bytes) -> None:
    """Raise when an input makes the parsers do what they must not."""
    if len(data) < 2:
        return
    kind, size, rest = data[0] % 5, data[1] or 1, data[2:]
    if kind == CHUNKS:
        check_chunks(rest, size)
    elif kind == VALUES:
        check_values(rest)
    else:
        check_session(OPENINGS[kind], rest, size)


def seeds() -> Iterator[bytes]:
    """Yield what encoders send."""
    picture = encoder.chunks(4, 9, encoder.VIDEO, time=20, stream=1, size=4096)
    sound = encoder.chunks(4, 8, encoder.AUDIO, form=1, time=7, size=4096)
    late = encoder.chunks(4, 9, encoder.VIDEO, stream=1, extended=0x01000002, size=128)
    part = b"\x09\0\0\x05\0\0\0\0\0\0\x01" + encoder.VIDEO[:5] + b"\0\0\0\x10"
    together = encoder.chunks(4, 22, part + part, time=9, stream=1)
    stop = encoder.chunks(3, 20, encoder.amf("FCUnpublish", 6, None, "key"))
    ping = encoder.chunks(2, 4, b"\0\x06\0\0\0\x01")
    aborted = late[:150] + encoder.chunks(2, 2, b"\0\0\0\x04")
    beginnings = [encoder.as_obs("key"), encoder.as_ffmpeg("key")]
    for size in (0, 7, 200):
        yield bytes([GREETING, size]) + encoder.GREETING + encoder.ANSWER + beginnings[0]
        for beginning in beginnings:
            yield bytes([BEGINNING, size]) + beginning + encoder.metadata() + picture + sound + stop
            yield bytes([CHUNKS, size]) + beginning + encoder.metadata() + picture + late
        yield bytes([PUBLISHING, size]) + encoder.metadata() + picture + sound + ping + stop
        yield bytes([PUBLISHING, size]) + aborted + together + picture
        yield bytes([CHUNKS, size]) + aborted + together + sound
    yield bytes([VALUES, 0]) + encoder.amf("onMetaData", encoder.METADATA)
    yield (
        bytes([VALUES, 0])
        + b"\x0a\0\0\0\x02\x05\x01\x01\x0c\0\0\0\x02hi\x10\0\x01C\0\x01a\x05\0\0\x09"
    )
