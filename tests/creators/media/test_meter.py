"""Bitrate, frames, what is missing, what is late, and what is too much."""

from creators.media.meter import Meter


def fed(meter, *, seconds, kbps, since=0):
    for tenth in range(seconds * 10):
        meter.took(kbps * 1000 // 80, at=since + tenth / 10)
    return meter


def test_bitrate_is_the_mean_of_the_last_five_seconds():
    meter = fed(Meter(max_kbps=2000, at=0), seconds=3, kbps=1000)
    assert meter.kbps(at=3.0) == 1000
    fed(meter, seconds=5, kbps=2000, since=3)
    assert meter.kbps(at=8.2) == 2000
    assert meter.kbps(at=60.0) == 0
    assert meter.last_bytes == 7.9


def test_a_burst_is_forgiven_and_a_flood_is_cut_after_ten_seconds():
    meter = fed(Meter(max_kbps=1000, at=0), seconds=2, kbps=4000)
    assert meter.is_above(at=2.0)
    assert not meter.must_be_cut(at=2.0)
    fed(meter, seconds=10, kbps=1500, since=2)
    assert not meter.must_be_cut(at=12.0)
    assert meter.is_above(at=12.0)
    cut = []
    for second in range(12, 30):
        fed(meter, seconds=1, kbps=3000, since=second)
        cut.append(meter.must_be_cut(at=second + 1))
    assert cut.index(True) in (10, 11, 12)


def test_frames_that_are_missing_are_counted_by_the_gaps_in_time():
    meter = Meter(max_kbps=1000, at=0)
    frame = 1 / 25
    kept = [number for number in range(200) if number not in (120, 121, 150)]
    for number in kept:
        meter.saw(
            start=number * frame,
            duration=frame,
            frames=1,
            is_key=number % 50 == 0,
            at=(number + 1) * frame,
        )
    assert meter.total_frames == 197
    assert meter.dropped == 3
    assert meter.fps(at=8.0) == 24.4
    assert meter.key_interval_s == 2.0


def test_lateness_is_what_the_network_adds():
    meter = Meter(max_kbps=1000, at=0)
    for number, extra in enumerate((0.3, 0.1, 0.1, 0.6)):
        meter.saw(start=number, duration=1, frames=1, is_key=True, at=number + 1 + extra)
    assert meter.late_ms == 500
    meter.saw(start=0, duration=0, frames=0, is_key=False, at=9)
    assert meter.total_frames == 4
