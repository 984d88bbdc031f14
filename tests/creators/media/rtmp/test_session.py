import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creators.media.rtmp.chunks import ChunkReader
from creators.media.rtmp.flv import UnsupportedCodec
from creators.media.rtmp.malformed import Malformed
from creators.media.rtmp.session import Left, Media, Phase, Publish, Session
from tests.creators.media.rtmp.encoder import (
    ANSWER,
    AUDIO,
    CONNECT,
    GREETING,
    METADATA,
    VIDEO,
    amf,
    as_ffmpeg,
    as_obs,
    chunks,
    commands,
    metadata,
    read_messages,
    statuses,
    tags,
)


def new(**changes):
    return Session(
        **{"app": "live", "reader": ChunkReader(), "before_publishing": 64 * 1024, **changes}
    )


def hear(session, data):
    """Let a session hear bytes, and let in who asks."""
    events = []
    for event in session.receive(data):
        events.append(event)
        if isinstance(event, Publish):
            session.accept()
    return events


def said(session):
    data = bytes(session.outgoing)
    session.outgoing.clear()
    return data


@pytest.fixture
def greeted():
    session = new()
    hear(session, GREETING + ANSWER)
    said(session)
    return session


@pytest.fixture
def publishing(greeted):
    hear(greeted, as_obs("key"))
    said(greeted)
    return greeted


def test_the_handshake_echoes_and_shows_no_version():
    session = new()

    hear(session, GREETING[:700])
    assert not session.outgoing
    hear(session, GREETING[700:])
    answer = said(session)

    assert (answer[0], answer[5:9]) == (3, bytes(4))
    assert answer[1537:] == GREETING[1:]
    hear(session, ANSWER)
    assert session.phase is Phase.CONNECTING


@pytest.mark.parametrize("garbage", [b"GET / HTTP/1.1\r\n", b"\x16\x03\x01", b"\x06", b"\x00"])
def test_another_protocol_is_noticed_by_its_first_byte(garbage):
    with pytest.raises(Malformed):
        hear(new(), garbage)


@pytest.mark.parametrize("encoder", [as_obs, as_ffmpeg])
def test_encoders_ask_to_publish_and_are_told_each_step(greeted, encoder):
    events = hear(greeted, encoder("the-key?bandwidth=1"))

    assert events == [Publish("the-key")]
    data = said(greeted)
    assert [answer[:2] for answer in commands(data)] == [
        ["_result", 1.0],
        ["_result", 2.0],
        ["_result", 3.0],
        ["_result", 4.0],
        ["onStatus", 0.0],
    ]
    assert commands(data)[0][3]["code"] == "NetConnection.Connect.Success"
    assert commands(data)[3][3] == 1.0
    assert statuses(data) == ["NetStream.Publish.Start"]
    assert {kind for kind, _, _ in read_messages(data)} == {1, 4, 5, 6, 20}


def test_keys_are_taken_without_what_stands_around_them_and_are_not_shown(greeted):
    [event] = hear(greeted, as_obs("  the-key \n"))

    assert event.key == "the-key"
    assert "the-key" not in repr(event)


def test_commands_of_amf3_are_the_same_after_their_first_byte(greeted):
    connect = amf("connect", 1, {"app": "live/", "objectEncoding": 3})
    publish = amf("publish", 5, None, "key", "live")

    events = hear(greeted, chunks(3, 17, b"\0" + connect) + chunks(4, 17, b"\0" + publish))

    assert events == [Publish("key")]


def test_a_wrong_application_is_refused_in_words(greeted):
    with pytest.raises(Malformed):
        hear(greeted, chunks(3, 20, amf("connect", 1, {"app": "vod"})))

    [[name, _, _, about]] = commands(said(greeted))
    assert (name, about["code"]) == ("_error", "NetConnection.Connect.Rejected")
    assert "/live" in about["description"]


def test_pictures_become_flv(publishing):
    data = (
        metadata()
        + chunks(4, 9, VIDEO, time=20, stream=1, size=4096)
        + chunks(4, 8, AUDIO, form=1, time=7, size=4096)
        + chunks(4, 9, VIDEO, stream=1, extended=0x01000002, size=4096)
    )

    flv = b"".join(event.data for event in hear(publishing, data))

    assert flv[:13] == b"FLV\x01\x05\0\0\0\x09\0\0\0\0"
    assert tags(flv) == [
        (18, 0, amf("onMetaData", METADATA)),
        (9, 20, VIDEO),
        (8, 27, AUDIO),
        (9, 0x01000002, VIDEO),
    ]


def test_the_file_says_when_no_sound_is_to_be_waited_for(publishing):
    [header, _] = hear(publishing, metadata({"videocodecid": 7, "width": 640}))

    assert header.data[4] == 1


def test_pictures_in_aggregates_are_taken_apart(publishing):
    def part(kind, time, body):
        head = bytes([kind]) + len(body).to_bytes(3, "big") + (time & 0xFFFFFF).to_bytes(3, "big")
        return head + bytes([time >> 24]) + b"\0\0\x01" + body + struct.pack(">I", 11 + len(body))

    together = part(9, 5000, VIDEO) + part(8, 5010, AUDIO) + part(8, 5020, b"")

    events = hear(publishing, chunks(4, 22, together, time=100, stream=1, size=4096))

    assert tags(b"".join(event.data for event in events)) == [(9, 100, VIDEO), (8, 110, AUDIO)]
    for broken in (together[:-1], part(22, 0, b"x")):
        with pytest.raises(Malformed):
            hear(publishing, chunks(4, 22, broken, time=100, stream=1, size=4096))


def test_remarks_are_left_out(publishing):
    data = (
        chunks(4, 18, amf("onTextData", {"text": "x"}), stream=1)
        + chunks(4, 18, amf("@setDataFrame"), stream=1)
        + chunks(4, 9, b"\x57\x00", stream=1)
        + chunks(4, 16, b"shared object", stream=1)
    )

    assert hear(publishing, data) == []


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (9, b"\x90hvc1" + bytes(20)),
        (9, b"\x91av01" + bytes(20)),
        (9, b"\x90avc1" + bytes(20)),
        (9, b"\x12" + bytes(20)),
        (9, b"\x1c" + bytes(20)),
        (8, b"\x2f" + bytes(20)),
        (8, b"\x90Opus" + bytes(20)),
    ],
    ids=["hevc", "av1", "enhanced avc", "h263", "old hevc", "mp3", "opus"],
)
def test_other_codecs_are_noticed(publishing, kind, body):
    with pytest.raises(UnsupportedCodec):
        hear(publishing, chunks(4, kind, body, stream=1))


@pytest.mark.parametrize(
    "data",
    [
        chunks(4, 9, VIDEO, stream=1),
        chunks(3, 18, amf("@setDataFrame", "onMetaData", METADATA)),
        chunks(3, 20, amf("createStream", 2, None)),
        chunks(3, 20, amf("publish", 2, None, "key", "live")),
        CONNECT + chunks(4, 9, VIDEO, stream=1),
        CONNECT + CONNECT,
        CONNECT + chunks(3, 20, amf("play", 2, None, "key")),
        CONNECT + chunks(3, 20, b"\x02\0\x01"),
        CONNECT + chunks(3, 20, amf(1, "publish")),
        CONNECT + chunks(3, 20, amf("publish", 2) + bytes(70_000)),
    ],
    ids=[
        "media first",
        "data first",
        "createStream first",
        "publish first",
        "media after connect",
        "connect twice",
        "play",
        "cut off",
        "no name",
        "too large",
    ],
)
def test_what_is_out_of_turn_ends_it(greeted, data):
    with pytest.raises(Malformed):
        hear(greeted, data)


def test_a_second_publish_ends_it(publishing):
    with pytest.raises(Malformed):
        hear(publishing, chunks(4, 20, amf("publish", 6, None, "other", "live"), stream=1))


def test_who_talks_on_without_publishing_is_cut_off(greeted):
    control = chunks(2, 4, struct.pack(">HI", 3, 0) + bytes(90))
    hear(greeted, control * 500)

    with pytest.raises(Malformed, match="too much"):
        hear(greeted, control * 200)


def test_media_sent_before_the_answer_wait_for_it(greeted):
    events = greeted.receive(as_obs("key") + chunks(4, 9, VIDEO, stream=1, size=4096))

    assert isinstance(next(events), Publish)
    with pytest.raises(Malformed):
        next(events)


def test_a_refusal_is_told_and_nothing_is_heard_after_it(greeted):
    for event in greeted.receive(as_obs("key") + chunks(4, 9, VIDEO, stream=1, size=4096)):
        assert event == Publish("key")
        greeted.refuse("NetStream.Publish.BadName", "No.")

    assert commands(said(greeted))[-1][3] == {
        "level": "error",
        "code": "NetStream.Publish.BadName",
        "description": "No.",
    }


@pytest.mark.parametrize("name", ["FCUnpublish", "deleteStream", "closeStream"])
def test_who_stops_is_seen_off(publishing, name):
    assert hear(publishing, chunks(3, 20, amf(name, 6, None, "key"))) == [Left()]
    assert statuses(said(publishing)) == ["NetStream.Unpublish.Success"]


def test_pings_are_answered_and_what_came_is_acknowledged(publishing):
    hear(publishing, chunks(2, 4, struct.pack(">HI", 6, 77)))
    assert read_messages(said(publishing)) == [(4, 0, struct.pack(">HI", 7, 77))]

    hear(publishing, chunks(2, 5, struct.pack(">I", 1)))
    for _ in range(200):
        hear(publishing, chunks(4, 9, VIDEO, stream=1, size=4096))
    acknowledged = [body for kind, _, body in read_messages(said(publishing)) if kind == 3]
    assert len(acknowledged) == 1
    assert int.from_bytes(acknowledged[0], "big") >= 64 * 1024


@given(st.lists(st.integers(1, 3000), min_size=1, max_size=20))
def test_it_does_not_matter_how_the_bytes_come(sizes):
    data = (
        GREETING
        + ANSWER
        + as_obs("key")
        + metadata()
        + chunks(4, 9, VIDEO, time=20, stream=1, size=4096)
        + chunks(3, 20, amf("FCUnpublish", 6, None, "key"), size=4096)
    )
    session, at, turn, events = new(), 0, 0, []

    while at < len(data):
        size = sizes[turn % len(sizes)]
        events += hear(session, data[at : at + size])
        at, turn = at + size, turn + 1

    assert [type(event) for event in events] == [Publish, Media, Media, Media, Left]


@given(st.binary(max_size=1500), st.booleans())
def test_garbage_after_the_handshake_ends_it_or_says_nothing(garbage, is_publishing):
    session = new(reader=ChunkReader(largest_message=4096, largest_pending=4096, chunk_streams=8))
    hear(session, GREETING + ANSWER + (as_obs("key") if is_publishing else b""))
    with suppress(Malformed, UnsupportedCodec):
        hear(session, garbage)
    assert session.pending <= 4096 + 5000


def test_a_clock_that_begins_anew_ends_the_run(publishing):
    frame, setup = b"\x27\1\0\0\0x", b"\x17\0\0\0\0x"
    for time in (2**32 - 40, 0, 40, 20_000, 19_500, 20_040):
        hear(publishing, chunks(70, 9, frame, extended=time))
    hear(publishing, chunks(70, 9, setup, extended=0))
    with pytest.raises(Malformed, match="clock"):
        hear(publishing, chunks(70, 9, frame, extended=40))
