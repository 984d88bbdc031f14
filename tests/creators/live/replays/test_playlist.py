"""The playlist against RFC 8216's rules for a media playlist of fMP4 segments."""

import re
from datetime import datetime

import pytest

from creators.live.replays import queries, services
from creators.live.replays.playlist import target_duration, write


def _playlist(replay):
    shown = queries.of_replay(replay)
    return write(shown.segments, url="https://cdn.example/{}".format, starts_ms=shown.starts)


def test_it_is_a_finished_vod_playlist_with_a_map_for_each_run(replay, recorded):
    lines = _playlist(replay).splitlines()
    assert lines[0] == "#EXTM3U"
    assert "#EXT-X-VERSION:7" in lines
    assert "#EXT-X-PLAYLIST-TYPE:VOD" in lines
    assert lines[-1] == "#EXT-X-ENDLIST"
    assert lines.count("#EXT-X-DISCONTINUITY") == 1
    maps = [line for line in lines if line.startswith("#EXT-X-MAP")]
    stream = recorded.stream_id
    assert maps == [
        f'#EXT-X-MAP:URI="https://cdn.example/{stream}/init-{run}.mp4"' for run in (1, 2)
    ]
    assert lines.index("#EXT-X-DISCONTINUITY") < lines.index(maps[1])
    assert [line for line in lines if not line.startswith("#")] == [
        f"https://cdn.example/{stream}/{number}.m4s" for number in range(8)
    ]


def test_no_segment_is_longer_than_the_target_and_each_has_its_date(replay, at):
    text = _playlist(replay)
    target = int(re.search(r"TARGETDURATION:(\d+)", text)[1])
    durations = [float(found) for found in re.findall(r"#EXTINF:([\d.]+),", text)]
    assert len(durations) == 8
    assert max(round(duration) for duration in durations) == target == 8
    dates = [datetime.fromisoformat(found) for found in re.findall(r"DATE-TIME:(\S+)", text)]
    assert dates == [at(seconds) for seconds in (0, 6, 12, 18, 24, 40, 46, 52)]


@pytest.mark.parametrize(
    ("durations", "target"), [([], 1), ([200], 1), ([1499], 1), ([1500], 2), ([6000, 6500], 7)]
)
def test_the_target_is_the_longest_duration_rounded(durations, target):
    assert target_duration(durations) == target


def test_a_trimmed_one_holds_whole_segments_and_says_where_to_begin(replay, recorded, bob):
    trimmed = services.trim_replay(piece_id=recorded.pk, starts=8_500, ends=27_000, by=bob)
    text = _playlist(trimmed)
    names = [line.rpartition("/")[2] for line in text.splitlines() if line[0] != "#"]
    assert names == ["1.m4s", "2.m4s", "3.m4s", "4.m4s"]
    assert "#EXT-X-START:TIME-OFFSET=2.500,PRECISE=YES" in text
    shown = queries.of_replay(trimmed)
    assert (shown.starts, shown.ends, shown.length) == (2_500, 21_000, 18_500)


def test_a_hole_within_a_run_is_a_discontinuity_without_a_new_map(replay, recorded):
    recorded.stream.segments.filter(first=2).delete()
    text = _playlist(replay)
    assert text.count("#EXT-X-DISCONTINUITY") == 2
    assert text.count("#EXT-X-MAP") == 2
