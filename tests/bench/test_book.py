"""The stage's bench finds what a server does wrong: it must not be believed when it can't."""

import json

import pytest

from benchmarks.stage import words
from benchmarks.stage.book import Book

PUBLISHED = 1000.0


def frame(first, last, *, numbers=None, left_out=0, epoch="e"):
    seqs = range(first, last + 1) if numbers is None else numbers
    events = [
        {"seq": seq, "at": 0, "t": "sold", "title": words.mark("hub", seq, PUBLISHED)}
        for seq in seqs
    ]
    said = {"room": "live", "epoch": epoch, "from": first, "seq": last, "at": 0, "events": events}
    if left_out:
        said["left_out"] = left_out
    return words.plain(json.dumps(said).encode())


def watch(book, *frames, start=0):
    """Have one viewer get these frames, after a snapshot."""
    at = book.start("e", start)
    for raw in frames:
        at = book.step(at, book.frame(raw, words.read_frame), now=PUBLISHED + 0.05)
    return at


def test_frames_one_after_the_other_are_all_right():
    book = Book()
    for _ in range(3):
        at = watch(book, frame(1, 3), frame(4, 4), frame(5, 9))
    assert (book.gaps, book.duplicates, book.strays) == (0, 0, 0)
    assert book.behind(at, *book.top()) == 0
    assert not any(book.order({"hub": range(1, 10)}).values())


@pytest.mark.parametrize(
    ("frames", "gaps", "duplicates"),
    [
        pytest.param([frame(1, 3), frame(5, 6)], 1, 0, id="a lost frame"),
        pytest.param([frame(2, 3)], 1, 0, id="one lost after the snapshot"),
        pytest.param([frame(1, 3), frame(1, 3)], 0, 3, id="a frame twice"),
        pytest.param([frame(1, 3), frame(3, 5)], 0, 1, id="an overlap"),
        pytest.param([frame(1, 3, numbers=[1, 3])], 1, 0, id="a hole within a frame"),
        pytest.param([frame(1, 3, numbers=[1, 2, 2, 3])], 0, 1, id="one twice within a frame"),
        pytest.param([frame(1, 3, numbers=[1, 3, 2])], 0, 1, id="disorder within a frame"),
        pytest.param([frame(1, 3, numbers=[1, 3], left_out=1)], 0, 0, id="one left out, and said"),
        pytest.param([frame(1, 3), frame(4, 4, epoch="f")], 1, 0, id="another history"),
    ],
)
def test_what_is_wrong_is_counted_for_each_viewer(frames, gaps, duplicates):
    book = Book()
    watch(book, *frames)
    assert (book.gaps, book.duplicates) == (gaps, duplicates)
    watch(book, *frames)
    assert (book.gaps, book.duplicates) == (2 * gaps, 2 * duplicates)


def test_a_wrong_step_is_no_shortcut_for_others():
    book = Book()
    watch(book, frame(1, 3), frame(5, 6))
    assert book.frame(frame(1, 3), words.read_frame).then is None
    watch(book, frame(1, 3), frame(4, 4))
    assert book.frame(frame(1, 3), words.read_frame).then.heard.first == 4


def test_who_did_not_get_the_end_is_behind():
    book = Book()
    watch(book, frame(1, 3), frame(4, 9))
    assert book.behind(watch(book, frame(1, 3)), *book.top()) == 6


@pytest.mark.parametrize(
    ("frames", "found"),
    [
        pytest.param([frame(1, 2)], {"lost": 1}, id="published and never seen"),
        pytest.param([frame(1, 4)], {"unknown": 1}, id="seen and never published"),
    ],
)
def test_numbers_of_the_bench_are_compared_with_what_was_published(frames, found):
    book = Book()
    watch(book, *frames)
    nothing = {"lost": 0, "unknown": 0, "disorder": 0, "twice": 0}
    assert book.order({"hub": range(1, 4)}) == nothing | found


def test_an_event_in_two_places_and_one_before_its_elder_are_found():
    def one(seq, number):
        event = {"seq": seq, "at": 0, "t": "sold", "title": words.mark("hub", number, PUBLISHED)}
        said = {"room": "live", "epoch": "e", "from": seq, "seq": seq, "at": 0, "events": [event]}
        return words.plain(json.dumps(said).encode())

    again, swapped = Book(), Book()
    watch(again, one(1, 1), one(2, 1))
    watch(swapped, one(1, 2), one(2, 1))
    assert again.order({"hub": [1]})["twice"] == 1
    assert swapped.order({"hub": [1, 2]})["disorder"] == 1


def test_lateness_is_read_from_the_time_within_the_event():
    book = Book()
    got = book.frame(frame(1, 2), words.read_frame)
    got.arrivals.extend([PUBLISHED + 0.0101] * 98 + [PUBLISHED + 0.3004] * 2 + [PUBLISHED + 60])
    (found,) = book.figures([(PUBLISHED, PUBLISHED + 10)])
    assert found["deliveries"] == 200
    assert found["deliveries_per_s"] == 20
    assert (found["p50_ms"], found["p99_ms"]) == (10.5, 300.5)
    assert found["hub_p99_ms"] == 300.5


def test_a_message_in_pieces_is_waited_for():
    raw = frame(1, 40)
    buffer = bytearray(b"??" + raw + raw)
    assert words.extent(buffer, 2, 3) is None
    assert words.extent(buffer, 2, 2 + len(raw) - 1) is None
    assert words.extent(buffer, 2, len(buffer)) == (4, len(raw) - 4)


def test_socketio_events_are_checked_by_the_publishers_numbers():
    def emit(*numbers):
        events = [{"title": words.mark("hub", number, PUBLISHED)} for number in numbers]
        return words.plain(b'42["events",' + json.dumps(events).encode() + b"]")

    book = Book()
    at = book.start("socketio", 0)
    for raw in (emit(1, 2), emit(3), emit(5, 6), emit(6)):
        at = book.step(at, book.frame(raw, words.read_socketio), now=PUBLISHED)
    assert (book.gaps, book.duplicates) == (1, 1)
