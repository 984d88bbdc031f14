"""A track's timeline: whatever publishers do, its playlist keeps the rules."""

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creators.media.hls.playlist import Targets
from creators.media.hls.timeline import MOST_LOOSE
from creators.media.hls.track import ClosedSegment, TooFar, Track
from creators.media.hls.waiting import TooMany
from tests.creators.media.hls.checker import parse
from tests.creators.media.hls.movies import Camera
from tests.creators.media.hls.watching import NOON, Watcher, play


def run(track: Track, watcher: Watcher, camera: Camera, seconds: float, *, at: float, number=1):
    track.begin_run(number, camera.init())
    return play(track, watcher, camera, seconds, at=at)


@pytest.mark.parametrize("fps", [10, 12, 15, 20, 24, 24000 / 1001, 25, 30000 / 1001, 30, 50, 60])
def test_half_a_minute_of_a_usual_frame_rate_keeps_the_rules(fps):
    track = Track()
    watcher = Watcher(track)
    run(track, watcher, Camera(fps=fps, gop=round(fps)), 31, at=NOON)
    track.close()
    watcher.look()
    assert watcher.checker.faults == []
    assert watcher.checker.parts_seen > 90
    assert track.targets is not None
    assert track.targets.segment == 1


def test_a_segment_is_a_second_and_begins_with_a_key_frame():
    segments: list[ClosedSegment] = []
    track = Track(on_segment=segments.append)
    run(track, Watcher(track), Camera(), 10.5, at=NOON)
    assert [one.number for one in segments] == list(range(10))
    assert all(one.duration == pytest.approx(1.0) for one in segments)
    assert "#EXT-X-INDEPENDENT-SEGMENTS" in track.playlist().body.decode()


def test_dates_are_those_of_arrival():
    """The first frame was whole a thirtieth of a second after NOON and shows that stretch."""
    track = Track()
    watcher = Watcher(track)
    run(track, watcher, Camera(), 20, at=NOON)
    dates = [one.date for one in parse(track.playlist().body.decode()).all]
    assert dates == pytest.approx([NOON + n for n in range(len(dates))], abs=0.002)


def test_a_late_start_and_a_slow_clock_move_dates_slowly():
    """Two seconds of backlog come at once; then the encoder's clock loses 0.05 %."""
    track = Track()
    watcher = Watcher(track)
    camera = Camera()
    track.begin_run(1, camera.init())
    for _ in range(60):
        track.add(camera.frame(), at=NOON + 2.5)
        watcher.look()
    while camera.media < 150:
        track.add(camera.frame(), at=NOON + 0.5 + camera.media * 1.0005)
        watcher.look()
    assert watcher.checker.faults == []
    last = parse(track.playlist().body.decode()).all[-1]
    assert last.date is not None
    # What is seen is the least of the last minute: late by what is lost in a minute, not in all.
    assert last.date == pytest.approx(NOON + 0.5 + last.number * 1.0005, abs=0.06)


def test_a_publisher_with_long_key_frame_intervals_is_cut_without_them():
    track = Track()
    watcher = Watcher(track)
    run(track, watcher, Camera(gop=250), 60, at=NOON)
    text = track.playlist().body.decode()
    assert watcher.checker.faults == []
    assert track.targets == Targets(2, 0.28)
    assert "#EXT-X-INDEPENDENT-SEGMENTS" not in text


def test_key_frames_two_seconds_apart_make_segments_of_two_seconds():
    track = Track()
    watcher = Watcher(track)
    run(track, watcher, Camera(gop=60), 60, at=NOON)
    assert watcher.checker.faults == []
    assert {one.duration for one in parse(track.playlist().body.decode()).segments} == {2.0}
    assert "#EXT-X-INDEPENDENT-SEGMENTS" in track.playlist().body.decode()


def test_the_targets_stay_when_the_next_publisher_is_otherwise():
    track = Track()
    watcher = Watcher(track)
    at = run(track, watcher, Camera(gop=30), 10, at=NOON)
    track.end_run()
    watcher.look()
    run(track, watcher, Camera(fps=25, gop=250), 20, at=at + 30, number=2)
    assert watcher.checker.faults == []
    assert track.targets == Targets(1, 0.28)


def test_a_publisher_who_comes_back_begins_anew_with_its_own_map():
    track = Track()
    watcher = Watcher(track)
    at = run(track, watcher, Camera(), 5.5, at=NOON)
    track.end_run()
    watcher.look()
    assert "PRELOAD-HINT" not in track.playlist().body.decode()
    run(track, watcher, Camera(), 5, at=at + 30, number=2)
    playlist = parse(track.playlist().body.decode())
    assert watcher.checker.faults == []
    assert [one.number for one in playlist.all if one.is_discontinuity] == [6]
    assert [one.map for one in playlist.all] == ["init-1.mp4"] * 6 + ["init-2.mp4"] * 5
    assert playlist.all[6].date == pytest.approx(at + 30, abs=0.002)
    assert playlist.segments[5].duration == pytest.approx(0.5)


def test_discontinuities_are_counted_when_they_leave():
    track = Track()
    watcher = Watcher(track)
    at = NOON
    for number in range(1, 20):
        at = run(track, watcher, Camera(), 3.2, at=at + 5, number=number)
        track.end_run()
        watcher.look()
    assert watcher.checker.faults == []
    assert int(parse(track.playlist().body.decode()).tags["EXT-X-DISCONTINUITY-SEQUENCE"]) > 5


def test_a_preview_is_forgotten_when_the_show_begins():
    track = Track()
    watcher = Watcher(track)
    camera = Camera()
    then = run(track, watcher, camera, 20.5, at=NOON)
    track.forget_before(NOON + 20)
    watcher.look()
    kept = [one.number for one in parse(track.playlist().body.decode()).all]
    assert kept[0] == 17  # three target durations stay
    assert track.segment(16) is None
    play(track, watcher, camera, 10, at=then)
    track.forget_before(NOON + 20)
    watcher.look()
    assert track.segment(19) is None
    dates = [one.date for one in parse(track.playlist().body.decode()).all]
    assert dates[0] == pytest.approx(NOON + 20, abs=0.1)
    track.forget_before(NOON + 20)
    assert track.segment(20) is not None
    assert watcher.checker.faults == []


def test_a_clock_that_jumps_is_a_discontinuity():
    track = Track()
    watcher = Watcher(track)
    camera = Camera()
    at = run(track, watcher, camera, 3.3, at=NOON)
    camera.media += 100
    at = play(track, watcher, camera, 3, at=at)
    camera.media = 1.0
    play(track, watcher, camera, 3, at=at)
    assert watcher.checker.faults == []
    found = parse(track.playlist().body.decode()).all
    assert sum(one.is_discontinuity for one in found) == 2


def test_a_last_frame_out_of_time_is_left_out():
    track = Track()
    watcher = Watcher(track)
    camera = Camera()
    at = run(track, watcher, camera, 5, at=NOON)
    camera.media += 100
    at = play(track, watcher, camera, 0.1, at=at)
    track.end_run()
    run(track, watcher, Camera(), 3, at=at + 4, number=2)
    assert watcher.checker.faults == []
    found = parse(track.playlist().body.decode()).all
    assert sum(one.is_discontinuity for one in found) == 1
    assert min(one.duration for one in found if one.duration) > 0.5


def test_lost_frames_are_counted_in_the_segment():
    track = Track()
    watcher = Watcher(track)
    camera = Camera()
    at = run(track, watcher, camera, 5.4, at=NOON)
    camera.media += 0.2
    play(track, watcher, camera, 5, at=at + 0.2)
    assert watcher.checker.faults == []
    lengths = [one.duration for one in parse(track.playlist().body.decode()).segments]
    assert sum(lengths[:6]) == pytest.approx(6.2)


def test_a_closed_track_ends_for_good():
    track = Track()
    watcher = Watcher(track)
    run(track, watcher, Camera(), 3, at=NOON)
    track.close()
    watcher.look()
    text = track.playlist().body.decode()
    assert text.endswith("#EXT-X-ENDLIST\n")
    track.begin_run(2, Camera().init())
    track.add(Camera().frame(), at=NOON + 9)
    assert track.playlist().body.decode() == text
    assert watcher.checker.faults == []


RUNS = st.lists(
    st.tuples(
        st.sampled_from([20, 24, 25, 30000 / 1001, 30, 50]),
        st.sampled_from([0.2, 0.5, 0.75, 1.0, 1.2, 2.0, 3.0, 8.0]),
        st.floats(0.05, 7.0),
        st.sampled_from([0.0, 0.1, 3.0, 40.0]),
        st.sampled_from(["ends", "goes on", "jumps"]),
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=25, deadline=None)
@given(RUNS)
def test_any_sequence_of_runs_keeps_the_rules(runs):
    track = Track()
    watcher = Watcher(track)
    at = NOON
    for number, (fps, gop, seconds, pause, then) in enumerate(runs, 1):
        camera = Camera(fps=fps, gop=max(round(fps * gop), 1))
        at = run(track, watcher, camera, seconds, at=at, number=number)
        if then == "jumps":
            camera.media += 10
            at = play(track, watcher, camera, seconds / 2, at=at)
        if then == "ends":
            track.end_run()
            watcher.look()
        at += pause
    track.close()
    watcher.look()
    assert watcher.checker.faults == []


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0.001, 0.7), min_size=20, max_size=120), st.integers(1, 40))
def test_frames_of_any_length_keep_all_but_the_least_length_of_parts(lengths, gop):
    """A camera in the dark: 85 % cannot be held with few long frames, all other rules can."""
    track = Track()
    watcher = Watcher(track)
    camera = Camera(gop=gop)
    track.begin_run(1, camera.init())
    for length in lengths:
        camera.fps = 1 / length
        frame = camera.frame()
        track.add(frame, at=NOON + camera.media)
        watcher.look()
    track.close()
    watcher.look()
    assert [one for one in watcher.checker.faults if "85 %" not in one] == []


def test_frames_that_claim_to_last_nothing_fill_parts_and_segments_all_the_same():
    segments: list[ClosedSegment] = []
    track = Track(on_segment=segments.append)
    camera = Camera(gop=10**9)
    track.begin_run(1, camera.init())
    for _ in range(20_000):
        track.add(replace(camera.frame(), start=0.0, duration=0.0), at=NOON)
    assert len(segments) > 5
    assert all(0 < one.duration < 2.5 for one in segments)
    assert max(len(one.data) for one in segments) < 200_000


def test_sound_that_goes_on_without_a_picture_is_not_kept_for_ever():
    track = Track()
    camera = Camera()
    at = run(track, Watcher(track), camera, 5.1, at=NOON)
    sound = replace(camera.frame(), frames=0, duration=0.0, is_independent=False)
    for _ in range(5000):
        track.add(sound, at=at)
    assert len(track._loose) <= MOST_LOOSE
    track.end_run()
    assert track.segment(5) is not None


async def test_who_asks_for_what_comes_is_held_until_it_is_there():
    track = Track()
    camera = Camera()
    at = run(track, Watcher(track), camera, 3.3, at=NOON)
    last = parse(track.playlist().body.decode()).last
    waits = asyncio.create_task(track.wait(last[0], last[1] + 1))
    piece = asyncio.create_task(track.wait_part(track.hint))
    whole = asyncio.create_task(track.wait(last[0], None))
    await asyncio.sleep(0)
    assert not waits.done()
    play(track, Watcher(track), camera, 0.3, at=at)
    assert await waits is True
    assert await piece is not None
    assert not whole.done()
    play(track, Watcher(track), camera, 1.0, at=at + 0.3)
    assert await whole is True
    assert await track.wait(0, 0) is True
    with pytest.raises(TooFar):
        await track.wait(last[0] + 5, 0)
    with pytest.raises(TooFar):
        await track.wait(last[0] + 1, 50)


async def test_no_more_wait_than_are_held():
    track = Track(most_waiters=2)
    camera = Camera()
    run(track, Watcher(track), camera, 3.0, at=NOON)
    number, part = parse(track.playlist().body.decode()).last
    first = [asyncio.create_task(track.wait(number, part + 1)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(TooMany):
        await track.wait(number, part + 1)
    first[0].cancel()
    await asyncio.sleep(0)
    assert track.playlist_waiters.count == 1
    track.close()
    assert await first[1] is True
    assert track.playlist_waiters.count == 0


async def test_who_waits_in_vain_gets_the_playlist_of_now():
    track = Track()
    run(track, Watcher(track), Camera(), 3.0, at=NOON)
    track.playlist_waiters.hold = 0.01
    number, part = parse(track.playlist().body.decode()).last
    assert await track.wait(number, part + 1) is False
    assert track.playlist_waiters.count == 0


def test_memory_is_the_window_and_not_the_show():
    """What a track holds after ten minutes is what it holds after two."""

    def held(track: Track) -> int:
        return sum(
            len(data)
            for data in [
                *(track.segment(n) or b"" for n in range(1000)),
                *(track.part(n) or b"" for n in range(4000)),
            ]
        )

    track = Track()
    watcher = Watcher(track)
    camera = Camera(size=400)
    at = run(track, watcher, camera, 60, at=NOON)
    before = held(track)
    play(track, watcher, camera, 120, at=at)
    assert held(track) == pytest.approx(before, rel=0.1)
