"""What the disk keeps: an origin that is started again goes on where it was."""

import errno
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from creators.media.hls.playlist import Targets
from creators.media.hls.ring import Disk, Ring
from creators.media.hls.track import Track
from tests.creators.media.hls.checker import parse
from tests.creators.media.hls.movies import Camera
from tests.creators.media.hls.watching import NOON, Watcher, play

STREAM = uuid4()


@pytest.fixture
def open_disk(tmp_path: Path) -> Iterator[object]:
    disks: list[Disk] = []

    def open_one(**quotas: int) -> Disk:
        disks.append(Disk(tmp_path, **{"most_bytes": 10**9, "most_stream_bytes": 10**9, **quotas}))
        return disks[-1]

    yield open_one
    for disk in disks:
        disk.close()


def show(disk: Disk, seconds: float, *, number: int = 1, at: float = NOON, **camera: int) -> Track:
    track = Track(ring=disk.ring(STREAM, "source"))
    track.begin_run(number, Camera(**camera).init())
    play(track, Watcher(track), Camera(**camera), seconds, at=at)
    disk.flush()
    return track


def folder(tmp_path: Path) -> Path:
    return tmp_path / str(STREAM) / "source"


def test_a_restarted_origin_goes_on_with_the_numbers_and_loses_nothing(open_disk):
    """It is killed in the middle of a segment: what was sent of that is a segment, too."""
    before = show(open_disk(), 5.6)
    told = parse(before.playlist().body.decode())
    after = Track(ring=open_disk().ring(STREAM, "source"))
    watcher = Watcher(after)
    playlist = watcher.look()
    assert playlist is not None
    assert after.targets == before.targets == Targets(1, 0.28)
    assert [one.number for one in playlist.all] == [one.number for one in told.all]
    assert [one.date for one in playlist.all] == [one.date for one in told.all]
    assert told.open is not None
    assert len(told.open.parts) == 2
    whole = b"".join(before.part(int(one.uri[1:-4])) or b"" for one in told.open.parts)
    assert after.segment(5) == whole
    assert all(after.segment(n) == before.segment(n) for n in range(5))
    assert [one.number for one in after.kept()] == list(range(6))
    assert next(iter(after.kept(since=5))).data == whole

    after.begin_run(2, Camera().init())
    play(after, watcher, Camera(), 5, at=NOON + 20)
    playlist = parse(after.playlist().body.decode())
    assert watcher.checker.faults == []
    assert [one.number for one in playlist.all if one.is_discontinuity] == [6]
    assert int(playlist.hint[1:-4]) > before.hint + 50


def test_a_torn_last_line_is_ignored(open_disk, tmp_path):
    show(open_disk(), 4.5)
    index = folder(tmp_path) / "index.jsonl"
    whole = index.read_bytes()
    for cut in range(1, 60, 7):
        index.write_bytes(whole[:-cut] + b"\xff\x00{")
        found = Ring(open_disk(), folder(tmp_path)).load()
        assert [one.number for one in found.segments][:4] == [0, 1, 2, 3]


def test_an_index_of_nonsense_is_an_empty_one(open_disk, tmp_path):
    folder(tmp_path).mkdir(parents=True)
    lines = ['{"open":3}', '{"closed":[1]}', "[]", '{"gone":{}}', '{"targets":["x",2]}', "null"]
    (folder(tmp_path) / "index.jsonl").write_text("\n".join(lines))
    found = Ring(open_disk(), folder(tmp_path)).load()
    assert (found.segments, found.next_segment) == ([], 0)


def test_a_file_that_is_shorter_than_it_should_be_is_not_told_of(open_disk, tmp_path):
    show(open_disk(), 6.0)
    (folder(tmp_path) / "s2.m4s").write_bytes(b"short")
    track = Track(ring=open_disk().ring(STREAM, "source"))
    assert [one.number for one in parse(track.playlist().body.decode()).all] == [3, 4, 5]


def test_an_ended_stream_stays_ended(open_disk):
    disk = open_disk()
    show(disk, 3.0).close()
    disk.flush()
    track = Track(ring=open_disk().ring(STREAM, "source"))
    assert track.is_ended
    assert track.playlist().body.endswith(b"#EXT-X-ENDLIST\n")
    assert Track(ring=open_disk().ring(STREAM, "source")).is_ended


def test_the_oldest_segments_go_when_the_quota_is_full(open_disk, tmp_path):
    disk = open_disk(most_stream_bytes=100_000)
    track = show(disk, 60, size=400)
    kept = [one.number for one in track.kept()]
    files = sorted(folder(tmp_path).glob("s*.m4s"))
    assert kept == list(range(kept[0], 59))
    assert 3 < len(kept) < 10
    assert sum(path.stat().st_size for path in files) < 120_000
    assert track.segment(58 - 20) is not None
    assert [one.number for one in Track(ring=Ring(disk, folder(tmp_path))).kept()] == [*kept, 59]


def test_streams_of_an_earlier_process_go_first_when_the_disk_is_full(open_disk, tmp_path):
    old = tmp_path / str(uuid4()) / "source"
    old.mkdir(parents=True)
    (old / "s1.m4s").write_bytes(bytes(50_000))
    track = show(open_disk(most_bytes=100_000), 3.2, size=400)
    assert old.exists()
    assert len(list(track.kept())) == 3
    show(open_disk(most_bytes=100_000), 30, size=400, number=2, at=NOON + 60)
    assert not old.exists()


def test_a_full_disk_does_not_stop_the_show_and_is_told(open_disk, tmp_path, monkeypatch):
    disk = open_disk()
    track = show(disk, 3.2)
    watcher = Watcher(track)
    camera = Camera()
    track.begin_run(2, camera.init())
    disk.flush()
    opening = Path.open

    def full(path: Path, *args: object, **kwargs: object) -> object:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "open", full)
    at = play(track, watcher, camera, 5.4, at=NOON + 10)
    disk.flush()
    assert disk.trouble == "No space left on device"
    assert parse(track.playlist().body.decode()).last[0] == 9
    assert track.segment(8) is not None

    monkeypatch.setattr(Path, "open", opening)
    play(track, watcher, camera, 3.2, at=at)
    disk.flush()
    assert disk.trouble == ""
    assert watcher.checker.faults == []
    restored = Track(ring=open_disk().ring(STREAM, "source"))
    last = parse(restored.playlist().body.decode()).all
    assert last[-1].number >= 11
    assert restored.segment(last[-2].number) == track.segment(last[-2].number)


def test_a_disk_that_stands_still_does_not_fill_the_memory(open_disk, monkeypatch):
    disk = open_disk()
    monkeypatch.setattr("creators.media.hls.ring.MOST_WAITING", 1000)
    written: list[int] = []
    disk.put(lambda: written.append(1), 600)
    monkeypatch.setattr(disk, "waiting_bytes", 900)
    disk.put(lambda: written.append(2), 600)
    assert disk.trouble
    disk.flush()
    assert written == [1]


def test_a_forgotten_stream_leaves_nothing(open_disk, tmp_path):
    disk = open_disk()
    show(disk, 3)
    assert folder(tmp_path).exists()
    disk.forget(STREAM)
    disk.flush()
    assert not folder(tmp_path).exists()
