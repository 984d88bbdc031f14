"""The machine that reads a client's websocket: all ways to cut what is right, all errors."""

import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creators.stage.fast.bytes import close_frame, deflated_frame, text_frame
from creators.stage.fast.websocket import Broken, Kind, Message, Parser, may_be_received
from tests.creators.stage.fast.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    deflated,
    masked,
    message,
)

LIMIT = 16 * 1024


def read(data, *, cuts=(), inflates=True, limit=LIMIT):
    """Feed bytes in pieces; return what was said, and the code that it ended with."""
    parser, said = Parser(limit=limit, inflates=inflates), []
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    try:
        for start, end in pairwise(edges):
            said += parser.feed(data[start:end])
    except Broken as broken:
        assert list(parser.feed(masked(TEXT, b"more"))) == []
        return said, broken.code
    return said, None


bodies = st.one_of(
    st.tuples(st.just(TEXT), st.text(max_size=300).map(str.encode)),
    st.tuples(st.just(BINARY), st.binary(max_size=300)),
)
cuts = st.lists(st.integers(min_value=0, max_value=400), max_size=5)


@given(
    messages=st.lists(st.tuples(bodies, cuts, st.booleans(), st.booleans()), max_size=5),
    chunks=st.lists(st.integers(min_value=0, max_value=3000), max_size=20),
)
def test_all_that_is_said_comes_out_however_it_is_cut(messages, chunks):
    wire, expected = b"", []
    for (opcode, body), cut_at, packs, is_interrupted in messages:
        between = masked(PING, b"?") if is_interrupted else b""
        wire += message(opcode, body, cut_at, packs=packs, between=between)
        expected += [Message(Kind.PING, data=b"?")] * (len(cut_at) if is_interrupted else 0)
        expected.append(
            Message(Kind.TEXT, text=body.decode())
            if opcode == TEXT
            else Message(Kind.BINARY, data=body)
        )
    assert read(wire, cuts=chunks) == (expected, None)


def test_a_byte_at_a_time():
    wire = message(TEXT, "è\U0001f600".encode() * 40, [1, 3], packs=False) + masked(PONG)
    said, code = read(wire, cuts=range(len(wire)))
    assert said == [Message(Kind.TEXT, text="è\U0001f600" * 40), Message(Kind.PONG)]
    assert code is None


@pytest.mark.parametrize("size", [0, 125, 126, 127, LIMIT])
def test_lengths(size):
    assert read(masked(BINARY, b"x" * size)) == ([Message(Kind.BINARY, data=b"x" * size)], None)


def with_length(size, code):
    """A length in more bytes than it needs."""
    return bytes([0x81, 0x80 | code]) + size.to_bytes(2 if code == 126 else 8, "big") + b"mask"


TEXT_BEGUN = masked(TEXT, b"a", fin=False)
BROKEN = {
    "not masked": (text_frame(b"hello"), 1002),
    "rsv2": (masked(TEXT, b"a", rsv=2), 1002),
    "rsv3": (masked(TEXT, b"a", rsv=1), 1002),
    "rsv1 on a ping": (masked(PING, b"a", rsv=4), 1002),
    "rsv1 on a continuation": (TEXT_BEGUN + masked(CONTINUATION, b"a", rsv=4), 1002),
    **{f"opcode {n}": (masked(n), 1002) for n in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)},
    **{f"opcode {n} in a message": (TEXT_BEGUN + masked(n), 1002) for n in (3, 11)},
    "a cut ping": (masked(PING, b"a", fin=False), 1002),
    "a long ping": (masked(PING, b"a" * 126), 1002),
    "a long close": (masked(CLOSE, b"\x03\xe8" + b"a" * 124), 1002),
    "a continuation of nothing": (masked(CONTINUATION, b"a"), 1002),
    "two ends": (TEXT_BEGUN + masked(TEXT, b"", fin=True), 1002),
    "a message in a message": (TEXT_BEGUN + masked(TEXT, b"a"), 1002),
    "a binary one in a message": (TEXT_BEGUN + masked(BINARY, b"a", fin=False), 1002),
    "a short length in two bytes": (with_length(125, 126), 1002),
    "a short length in eight bytes": (with_length(65_535, 127), 1002),
    "a length with its first bit": (with_length(1 << 63, 127), 1002),
    "a close of one byte": (masked(CLOSE, b"\x03"), 1002),
    **{
        f"close {code}": (masked(CLOSE, code.to_bytes(2, "big")), 1002)
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2999, 5000, 65_535)
    },
    "a close that is not utf-8": (masked(CLOSE, b"\x03\xe8\xff"), 1007),
    "a text that is not utf-8": (masked(TEXT, b"\xc0\x80"), 1007),
    "a surrogate": (masked(TEXT, b"\xed\xa0\x80"), 1007),
    "half a character": (masked(TEXT, "è".encode()[:1]), 1007),
    "half a character at the end": (message(TEXT, "aè".encode()[:2], [1]), 1007),
    "bad utf-8 in the first part": (masked(TEXT, b"\xff", fin=False), 1007),
    "bad utf-8 over the cut": (
        masked(TEXT, b"\xf4", fin=False) + masked(CONTINUATION, b"\x90", fin=False),
        1007,
    ),
    "bad utf-8, deflated": (message(TEXT, b"\xff", packs=True), 1007),
    "not deflated": (masked(TEXT, b"\xff\xff\xff", rsv=4), 1002),
    "more behind the final block": (masked(TEXT, b"\x03\x00junkjunk", rsv=4), 1002),
    "above the limit": (masked(BINARY, length=LIMIT + 1), 1009),
    "far above it": (masked(BINARY, length=1 << 62), 1009),
    "above it in parts": (message(BINARY, b"x" * (LIMIT + 1), [9000]), 1009),
    "a packed frame above it": (masked(BINARY, length=LIMIT + 65, rsv=4), 1009),
    "packed parts above it": (
        masked(BINARY, b"x" * LIMIT, rsv=4, fin=False) + masked(CONTINUATION, length=65),
        1009,
    ),
    "a bomb": (message(BINARY, b"\0" * (LIMIT + 1), packs=True), 1009),
    "a bomb of 10 MB in parts": (
        message(BINARY, b"\0" * (10 << 20), [1, 5000], packs=True),
        1009,
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_errors_and_their_codes_after_what_was_right(name):
    wire, code = BROKEN[name]
    assert read(masked(TEXT, b"right") + wire) == ([Message(Kind.TEXT, text="right")], code)


def test_no_more_of_a_bomb_is_inflated_than_the_limit(monkeypatch):
    asked = []

    class Unpacker:
        def __init__(self, real):
            self.real = real

        def decompress(self, data, most):
            asked.append(most)
            return self.real.decompress(data, most)

        def __getattr__(self, name):
            return getattr(self.real, name)

    real = zlib.decompressobj
    monkeypatch.setattr(
        "creators.stage.fast.websocket.zlib.decompressobj", lambda bits: Unpacker(real(bits))
    )
    assert read(masked(BINARY, deflated(b"\0" * (10 << 20)), rsv=4))[1] == 1009
    assert asked == [LIMIT + 1]


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_a_message_of_nothing_comes_to_an_end(opcode):
    nothing = masked(CONTINUATION, b"", fin=False)

    said, code = read(masked(opcode, b"", fin=False) + nothing * 10_000)

    assert (said, code) == ([], 1009)


def test_compression_that_was_not_agreed_on_is_an_error():
    assert read(message(TEXT, b"a", packs=True), inflates=False) == ([], 1002)


def test_a_final_deflate_block_is_understood():
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    packed = packer.compress(b"hello") + packer.flush(zlib.Z_FINISH)
    for tail in (b"", b"\x00"):
        assert read(masked(TEXT, packed + tail, rsv=4)) == (
            [Message(Kind.TEXT, text="hello")],
            None,
        )


def test_a_close_ends_it():
    wire = masked(CLOSE, b"\x0f\xa1bye") + masked(TEXT, b"too late")
    assert read(wire) == ([Message(Kind.CLOSE, text="bye", code=4001)], None)
    assert read(masked(CLOSE)) == ([Message(Kind.CLOSE)], None)


def test_an_idle_parser_keeps_nothing():
    parser = Parser(limit=LIMIT, inflates=True)
    list(parser.feed(message(TEXT, b"x" * 5000, [100], packs=True)))
    assert parser._rest is parser._parts is None


@given(st.binary(max_size=200), st.booleans())
def test_whatever_comes_in_is_a_message_or_an_error(data, inflates):
    said, code = read(data, cuts=[3, 50], inflates=inflates)
    assert code in (None, 1002, 1007, 1009)
    assert all(may_be_received(one.code) for one in said if one.code)


@given(st.text(max_size=2000))
def test_what_is_built_can_be_read_by_others(text):
    from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
    from websockets.frames import Frame
    from websockets.streams import StreamReader

    extension = ClientPerMessageDeflateFactory(
        server_no_context_takeover=True, client_no_context_takeover=True
    ).process_response_params(
        [("server_no_context_takeover", None), ("client_no_context_takeover", None)], []
    )
    for built in (text_frame(text.encode()), deflated_frame(text.encode())):
        reader = StreamReader()
        reader.feed_data(built)
        parsing = Frame.parse(reader.read_exact, mask=False, extensions=[extension])
        with pytest.raises(StopIteration) as done:
            next(parsing)
        assert bytes(done.value.value.data).decode() == text


def test_a_close_frame_has_room_for_a_long_reason_only_in_part():
    built = close_frame(4401, "è" * 100)
    assert built[:4] == b"\x88" + bytes([2 + 122]) + (4401).to_bytes(2, "big")
    assert built[4:].decode() == "è" * 61
