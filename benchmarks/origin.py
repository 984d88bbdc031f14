"""How many viewers one origin serves in time: `make bench-origin`.

A private site takes a picture over RTMP (720p, 30 pictures a second, ≈ 1.5 Mbit/s and sound, a key
frame each second) and viewers in a process of their own watch it (benchmarks/viewers.py): what
hls.js asks for, two connections each. A part is late when a viewer has all of it more than 0.5 s
after it was complete by the playlist's dates; a refused or missing one is late, too.

The last line is one JSON object:

- late_parts, parts: of all viewers together, in the counted seconds;
- lateness_p50_s, lateness_p99_s, lateness_max_s: from complete until received;
- cpu_percent: of the origin's process (without its ffmpeg), as percent of one core;
- ffmpeg_cpu_percent, rss_mb: of its ffmpeg; of both;
- mb_per_s: what the viewers received; viewers_cpu_percent: what receiving it cost them.

It ends with status 1 when a part is late. All runs on one machine: two idle cores are needed, for
the viewers of the bench cost about as much as the origin.
"""

import argparse
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import imageio_ffmpeg

from benchmarks.private_site import Site, private_site
from benchmarks.processes import cpu_seconds, family, memory_mb

SETTLE_SECONDS = 8.0


def clip(folder: Path, *, kilobits: int) -> Path:
    """Make eight seconds of picture and sound, so that sending them costs next to nothing."""
    path = folder / "clip.flv"
    words = "-hide_banner -loglevel error -y -f lavfi -i testsrc2=size=1280x720:rate=30"
    words += " -f lavfi -i sine=frequency=440:sample_rate=48000"
    # Moving noise fills the bit rate, which a test picture alone would not.
    words += " -t 8 -vf noise=alls=12:allf=t -pix_fmt yuv420p -c:v libx264 -preset ultrafast"
    words += f" -tune zerolatency -g 30 -keyint_min 30 -b:v {kilobits}k -maxrate {kilobits}k"
    words += f" -bufsize {kilobits // 2}k -nal-hrd cbr -c:a aac -b:a 96k -f flv"
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), *words.split(), str(path)], check=True)
    return path


def begin_stream() -> tuple[str, str]:
    """Open a stream to all; returns its playlist's address and where to send."""
    from django.conf import settings

    from creators.media import queries, services
    from creators.profiles.models import Creator
    from shops.accounts.models import User

    now = datetime.now(UTC)
    user = User.objects.create_user(email="bench@example.com")
    creator = Creator.objects.create(user=user, handle="bench", name="Bench")
    stream = services.open_stream(creator=creator, is_private=False, now=now)
    key = services.make_key(creator=creator, now=now)
    services.aim_key(creator=creator, stream_id=stream.pk, now=now)
    stream.refresh_from_db()
    playlist = queries.playback_url(stream, now=now)
    return playlist.replace("index.m3u8", "source/media.m3u8"), f"{settings.RTMP_URL}/{key}"


@contextlib.contextmanager
def sent(path: Path, target: str, log: Path) -> Iterator[None]:
    """Send the clip over and over, in real time."""
    words = ["-hide_banner", "-loglevel", "warning", "-re", "-stream_loop", "-1", "-i", str(path)]
    words += ["-c", "copy", "-f", "flv", target]
    with log.open("ab") as out:
        process = subprocess.Popen(
            [imageio_ffmpeg.get_ffmpeg_exe(), *words], stdout=out, stderr=out
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


def own_cpu_seconds(pid: int) -> float:
    """Return the processor time of a process without that of its children."""
    return cpu_seconds(pid) - sum(cpu_seconds(one) for one in family(pid) if one != pid)


def measure(site: Site, playlist: str, *, viewers: int, seconds: float) -> dict[str, Any]:
    """Let the viewers come, and read what the origin used while they counted."""
    origin = site.processes["origin"].pid
    command = [sys.executable, "-m", "benchmarks.viewers", playlist]
    command += [str(viewers), str(seconds), str(SETTLE_SECONDS)]
    with subprocess.Popen(
        command, env=site.environment, stdout=subprocess.PIPE, text=True
    ) as crowd:
        assert crowd.stdout is not None  # noqa: S101
        found: dict[str, Any] = {}
        began = total = own = 0.0
        for line in crowd.stdout:
            if line.startswith("counting"):
                began, total, own = time.monotonic(), cpu_seconds(origin), own_cpu_seconds(origin)
            elif line.startswith("counted"):
                passed = time.monotonic() - began
                mine = (own_cpu_seconds(origin) - own) / passed * 100
                all_of_it = (cpu_seconds(origin) - total) / passed * 100
                found |= {
                    "cpu_percent": round(mine, 1),
                    "ffmpeg_cpu_percent": round(all_of_it - mine, 1),
                    "rss_mb": round(memory_mb(origin), 1),
                }
            else:
                found = json.loads(line) | found
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--viewers", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=30, help="how long is counted")
    parser.add_argument("--kilobits", type=int, default=1500, help="of the picture, a second")
    options = parser.parse_args()
    with private_site() as site:
        playlist, target = begin_stream()
        path = clip(site.state, kilobits=options.kilobits)
        with sent(path, target, site.log("sender")):
            wait_for(playlist)
            print(f"{options.viewers} viewers for {options.seconds:.0f} s …", flush=True)
            found = measure(site, playlist, viewers=options.viewers, seconds=options.seconds)
    print(json.dumps(found))
    return 1 if found.get("late_parts", 1) or not found.get("parts") else 0


def wait_for(playlist: str) -> None:
    import httpx

    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(playlist, timeout=5).status_code == 200:
                return
        time.sleep(0.2)
    raise SystemExit(f"There is no picture at {playlist}.")


if __name__ == "__main__":
    sys.exit(main())
