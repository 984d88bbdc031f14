"""What takes minutes: hours of stream in virtual time, and five minutes of a real one."""

import json
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from creators.media.hls.ring import Disk
from creators.media.hls.track import Track
from tests.creators.media.hls.movies import Camera
from tests.creators.media.hls.watching import NOON, Watcher, play

HOURS = 4
STEP_SECONDS = 600


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.campaign
def test_four_hours_of_stream_and_a_viewer_do_not_grow(tmp_path):
    """A publisher who drops now and then, a ring that is full early, a viewer who sees it all."""
    disk = Disk(tmp_path, most_bytes=10**9, most_stream_bytes=4_000_000)
    track = Track(ring=disk.ring(uuid4(), "source"))
    watcher = Watcher(track)
    camera = Camera(size=400)
    at, number = NOON, 1
    track.begin_run(number, camera.init())
    resident: list[int] = []
    while at < NOON + HOURS * 3600:
        at = play(track, watcher, camera, STEP_SECONDS, at=at)
        disk.flush()
        resident.append(resident_bytes())
        if len(resident) % 4 == 0:
            track.end_run()
            watcher.look()
            number, at, camera = number + 1, at + 20, Camera(size=400)
            track.begin_run(number, camera.init())
    track.close()
    watcher.look()
    disk.close()
    assert watcher.checker.faults == []
    assert watcher.checker.parts_seen > HOURS * 3600 * 3
    half = len(resident) // 2
    first, second = max(resident[2:half]), max(resident[half:])
    print(f"resident: {[one >> 20 for one in resident]} MB")
    assert second < first + 4_000_000, resident


@pytest.mark.campaign
def test_five_minutes_of_a_real_stream_keep_the_rules():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.check_hls"], capture_output=True, text=True, timeout=500
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert json.loads(done.stdout.splitlines()[-1])["faults"] == []
