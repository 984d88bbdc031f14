import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creators.media.rtmp.chunks import ChunkReader, ChunkWriter, Message
from creators.media.rtmp.malformed import Malformed
from tests.creators.media.rtmp.encoder import as_ffmpeg, as_obs, chunks, metadata, read_messages


def read(data, **limits):
    return ChunkReader(**limits).feed(data)


@st.composite
def conversations(draw):
    """Messages of several chunk streams, in all four forms and chunk sizes."""
    written, meant, size, clocks = b"", [], 128, {}
    for _ in range(draw(st.integers(1, 12))):
        if draw(st.booleans()):
            size = draw(st.integers(128, 5000))
            written += chunks(2, 1, struct.pack(">I", size), size=size)
        number = draw(st.sampled_from([3, 4, 63, 64, 319, 320, 65599]))
        body = draw(st.integers(1, 700)) * bytes([draw(st.integers(0, 255))])
        kind = draw(st.sampled_from([8, 9, 18, 20]))
        form = draw(st.sampled_from([0, 1])) if number in clocks else 0
        step = draw(st.integers(0, 0xFFFFFE) | st.integers(0xFFFFFF, 0xFFFFFFFF))
        is_long = step >= 0xFFFFFF
        time = step if form == 0 else (clocks[number] + step) % 2**32
        clocks[number] = time
        written += chunks(
            number,
            kind,
            body,
            form=form,
            time=0 if is_long else step,
            extended=step if is_long else None,
            stream=1,
            size=size,
        )
        meant.append(Message(kind, 1, time, body))
    return written, meant


@given(conversations())
def test_messages_in_all_forms_are_read(conversation):
    written, meant = conversation

    assert read(written) == meant


@given(conversations(), st.lists(st.integers(1, 400), min_size=1, max_size=30))
def test_it_does_not_matter_how_the_bytes_are_split(conversation, sizes):
    written, meant = conversation
    reader, at, turn, found = ChunkReader(), 0, 0, []

    while at < len(written):
        size = sizes[turn % len(sizes)]
        found += reader.feed(written[at : at + size])
        at, turn = at + size, turn + 1

    assert found == meant
    assert reader.pending == 0


@given(st.binary(max_size=2000), st.integers(1, 64))
def test_garbage_is_malformed_or_messages_and_never_much_is_kept(data, size):
    reader = ChunkReader(largest_message=600, largest_pending=900, chunk_streams=4)
    try:
        for at in range(0, len(data), size):
            reader.feed(data[at : at + size])
            assert reader.pending <= 900 + 20
    except Malformed:
        assert reader.pending <= 900 + 64


@pytest.mark.parametrize("written", [as_obs("k" * 40), as_ffmpeg("k" * 40), metadata()])
def test_one_byte_after_the_other_is_enough(written):
    whole, reader = read(written), ChunkReader()

    found = [message for at in range(len(written)) for message in reader.feed(written[at : at + 1])]

    assert found == whole
    assert found


def test_form_2_and_3_keep_what_they_leave_out():
    written = (
        chunks(4, 8, b"aaa", time=1000, stream=1)
        + b"\x84" + (23).to_bytes(3, "big") + b"bbb"
        + b"\xc4" + b"ccc"
    )  # fmt: skip

    assert read(written) == [
        Message(8, 1, 1000, b"aaa"),
        Message(8, 1, 1023, b"bbb"),
        Message(8, 1, 1046, b"ccc"),
    ]


def test_form_3_after_a_whole_timestamp_takes_it_as_the_distance():
    assert [m.timestamp for m in read(chunks(4, 8, b"a", time=40) + b"\xc4b")] == [40, 80]


def test_two_messages_take_turns_on_two_chunk_streams():
    video, audio = chunks(6, 9, b"v" * 200, stream=1), chunks(4, 8, b"a" * 200, stream=1)
    first = 12 + 128

    found = read(video[:first] + audio[:first] + video[first:] + audio[first:])

    assert found == [Message(9, 1, 0, b"v" * 200), Message(8, 1, 0, b"a" * 200)]


@pytest.mark.parametrize("repeat", [True, False])
def test_times_beyond_24_bits_with_and_without_their_repetition(repeat):
    written = chunks(4, 9, b"v" * 300, stream=1, extended=0x01020304, repeat=repeat)

    assert read(written) == [Message(9, 1, 0x01020304, b"v" * 300)]


def test_a_message_can_be_given_up():
    begun = chunks(4, 9, b"v" * 300, stream=1)[: 12 + 128]

    found = read(begun + chunks(2, 2, struct.pack(">I", 4)) + chunks(4, 9, b"w", stream=1))

    assert found == [Message(9, 1, 0, b"w")]


def test_librtmp_may_begin_a_chunk_stream_with_form_1():
    assert read(chunks(2, 3, struct.pack(">I", 9), form=1, time=5)) == [
        Message(3, 0, 5, b"\0\0\0\x09")
    ]


def test_empty_messages_say_nothing():
    assert read(chunks(4, 8, b"", stream=1) + chunks(4, 8, b"a", stream=1)) == [
        Message(8, 1, 0, b"a")
    ]


@pytest.mark.parametrize(
    "written",
    [
        b"\xc4abc",
        b"\x84\0\0\0abc",
        chunks(4, 9, b"v" * 300)[: 12 + 128] + chunks(4, 9, b"w"),
        chunks(2, 1, struct.pack(">I", 0)),
        chunks(2, 1, struct.pack(">I", 1)),
        chunks(2, 1, b"\x01"),
        b"\x04\0\0\0\xff\xff\xff\x09\0\0\0\0",
        b"".join(chunks(number, 8, b"a") for number in range(3, 70)),
    ],
    ids=[
        "form 3 first",
        "form 2 first",
        "inside another",
        "chunk size 0",
        "chunk size 1",
        "chunk size cut off",
        "too large",
        "too many chunk streams",
    ],
)
def test_what_no_encoder_sends_is_malformed(written):
    with pytest.raises(Malformed):
        read(written)


def test_many_messages_that_never_end_are_malformed():
    begun = [chunks(number, 9, b"v" * 300)[: 12 + 128] for number in range(3, 40)]

    with pytest.raises(Malformed, match="not ended"):
        read(b"".join(begun), largest_pending=1000)


def test_our_own_chunks_are_read_by_encoders():
    writer = ChunkWriter()

    assert read_messages(writer.write(Message(20, 1, 0, b"x" * 1000), chunk_stream=3)) == [
        (20, 1, b"x" * 1000)
    ]
