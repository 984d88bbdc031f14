"""Frames: each form is built once, and says exactly the same."""

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creators.stage import room as room_module
from creators.stage.fast import bytes as made
from creators.stage.fast.bytes import LEAST_DEFLATED
from creators.stage.frames import Frame, Logged, deleted_lines, frame, told_at, without_lines
from creators.stage.room import Room


def unframed(data):
    """Take a server's frame apart, as a browser does: (first byte, payload)."""
    first, size, start = data[0], data[1], 2
    assert size < 128, "a server does not mask"
    if size == 126:
        (size,), start = struct.unpack("!H", data[2:4]), 4
    elif size == 127:
        (size,), start = struct.unpack("!Q", data[2:10]), 10
    assert len(data) == start + size
    return first, data[start:]


@given(st.one_of(st.binary(max_size=300), st.integers(65_530, 65_540).map(lambda n: b"x" * n)))
def test_a_text_frame_holds_its_body_whatever_its_size(body):
    assert unframed(made.text_frame(body)) == (0x81, body)


@given(st.text(min_size=LEAST_DEFLATED, max_size=3000))
def test_what_is_deflated_is_inflated_to_the_same(text):
    first, packed = unframed(Frame(text.encode()).deflated)

    assert first == 0xC1
    # Another message before it would change nothing: it stands for itself.
    assert zlib.decompressobj(-15).decompress(packed + b"\0\0\xff\xff").decode() == text


def test_each_form_is_built_once_and_small_ones_are_not_deflated():
    small, large = Frame(b"x" * (LEAST_DEFLATED - 1)), Frame(b"x" * LEAST_DEFLATED)

    for one in (small, large):
        for form in ("text", "plain", "deflated"):
            assert getattr(one, form) is getattr(one, form)
    assert small.deflated is small.plain
    assert len(large.deflated) < len(large.plain)
    with pytest.raises(AttributeError):
        _ = small.other


@pytest.mark.parametrize("reason", ["", "why", "é" * 200])
def test_a_close_frame_is_never_longer_than_it_may_be(reason):
    first, payload = unframed(made.close_frame(1013, reason))

    assert (first, payload[:2]) == (0x88, struct.pack("!H", 1013))
    assert len(payload) <= 125
    assert reason.startswith(payload[2:].decode())


def test_a_frame_tells_how_many_lines_it_leaves_out():
    some = [event(4), event(7)]

    assert b'"left_out":3,' in frame("live", "e", 3, 7, some).body
    assert b"left_out" not in frame("live", "e", 4, 5, [event(4), event(5)]).body


def event(seq, kind="sold", rest=""):
    return Logged(seq, f'{{"seq":{seq},"at":{1000 + seq},"t":"{kind}"{rest}}}'.encode())


def line(seq, number, *, rev=0, body="hello", badge=""):
    rest = (
        f',"line":{{"id":{number},"author_id":1,"author":"A","body":"{body}",'
        f'"sent_at":5,"client_id":null,"badge":"{badge}","rev":{rev}}}'
    )
    return event(seq, "chat", rest)


def deletion(seq, number, rev=1):
    return event(seq, "chat_deleted", f',"id":{number},"rev":{rev}')


def test_when_an_event_was_told_is_read_off_it():
    assert told_at(event(12)) == 1012


@st.composite
def histories(draw):
    """What happens to three lines: said, deleted, restored, in any order that makes sense."""
    state, events = {1: "", 2: "", 3: ""}, []
    for seq in range(1, draw(st.integers(1, 25)) + 1):
        number = draw(st.integers(1, 3))
        if state[number] == "shown":
            state[number] = "deleted"
            events.append(deletion(seq, number, rev=seq))
        else:
            state[number] = "shown"
            events.append(line(seq, number, rev=seq, body=f"words {seq}"))
    return events, state


@given(histories(), st.data())
def test_a_deleted_line_says_nothing_and_a_restored_one_speaks_again(history, data):
    """However the events are divided into batches."""
    events, state = history
    room = Room("live:1", 1000)
    rest = list(events)
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        batch, rest = rest[:size], rest[size:]
        room.keep(batch)

    assert [one.seq for one in room.ring] == [one.seq for one in events]
    last_deletion = {}
    for one in events:
        for number in deleted_lines([one]):
            last_deletion[number] = one.seq
    for was, kept in zip(events, room.ring, strict=True):
        for number in (1, 2, 3):
            if b'"chat","line":{"id":%d,' % number in was.body:
                speaks = b"words" in kept.body
                assert speaks == (was.seq > last_deletion.get(number, 0))
                if kept is [one for one in room.ring if b'"id":%d,' % number in one.body][-1]:
                    assert speaks == (state[number] == "shown")


def test_only_what_came_before_a_deletion_is_silenced():
    events = [line(1, 7, body="first"), deletion(2, 7), line(3, 7, rev=2, body="again")]

    told = without_lines(events, deleted_lines(events))

    assert b"first" not in told[0].body
    assert b"again" in told[2].body


# --- A chat that is faster than its room's rate -----------------------------------------------


def test_a_slow_chat_loses_nothing():
    room = Room("live:1", 1000)
    for second in range(20):
        lines = [line(second * 10 + n, n) for n in range(10)]
        assert room.thinned(lines, rate=10, now=float(second)) == lines
    assert room.left_out == 0


@given(st.lists(st.integers(0, 60), min_size=1, max_size=40))
def test_a_fast_chat_is_held_to_its_rate_and_nothing_else_is_touched(batches):
    room, rate, seq, lines = Room("live:1", 1000), 10, 0, 0
    for number, size in enumerate(batches):
        news = []
        for _ in range(size):
            seq += 3
            news += [line(seq - 2, seq), event(seq - 1), line(seq, seq, badge="host")]
        kept = room.thinned(news, rate=rate, now=number / 10)
        others = [one for one in news if b'"badge":""' not in one.body]
        assert [one for one in kept if b'"badge":""' not in one.body] == others
        assert [one.seq for one in kept] == sorted(one.seq for one in kept)
        lines += len(kept) - len(others)
    # A second's worth at once, and then as many as time brings.
    assert lines <= rate + rate * len(batches) / 10
    assert room.left_out == seq / 3 - lines


def test_a_line_that_was_held_is_left_out_as_others_are():
    room = Room("live:1", 1000)
    held = [line(number, number, rev=1) for number in range(1, 31)]

    assert len(room.thinned(held, rate=10, now=0.0)) == 10


def test_a_line_that_is_told_anew_is_not_left_out():
    room = Room("live:1", 1000)
    many = [line(n, n) for n in range(1, 100)]

    kept = room.thinned([*many, line(100, 7, rev=2)], rate=5, now=0.0)

    assert [one.seq for one in kept] == [1, 2, 3, 4, 5, 100]


# --- What was missed, kept for others who missed the same ---------------------------------------


def test_what_was_missed_is_built_once_and_does_not_pile_up(monkeypatch):
    monkeypatch.setattr(room_module, "MOST_CATCH_UP_BYTES", 50_000)
    room = Room("live:1", 1000)
    room.restart("e", 100, [event(n) for n in range(1, 101)])

    assert room.since(40) is room.since(40)
    for seq in range(100):
        assert room.since(seq).body.count(b'"seq":') == 100 - seq + 1

    assert sum(map(len, room.catch_ups.values())) <= 50_000
    assert 99 in room.catch_ups


def test_large_events_push_out_more_than_one(monkeypatch):
    monkeypatch.setattr(room_module, "MOST_RING_BYTES", 50_000)
    room = Room("live:1", 1000)
    room.restart("e", 0, [])

    for seq in range(1, 20):
        room.seq = room.sent = seq
        room.keep([Logged(seq, b'{"seq":%d,"at":1,"t":"bag","x":"%s"}' % (seq, b"x" * 10_000))])

    assert [one.seq for one in room.ring] == [16, 17, 18, 19]
    assert room.covers("e", 15)
    assert not room.covers("e", 14)
