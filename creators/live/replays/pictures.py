"""Stills, moving previews and clips, made by ffmpeg from recorded fragments on the disk.

Nothing here knows of shows: files in, files out. ffmpeg is held by limits of the system, since
what it reads was sent by somebody: CPU seconds, memory, file size, time. It sees no network.
"""

import os
import resource
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import imageio_ffmpeg

LARGEST_PREVIEW: Final = 300_000
PREVIEW_SECONDS: Final = 0.8
_FRAMES_PER_SECOND: Final = 8
_TIMEOUT_SECONDS: Final = 90
_LIMITS: Final = (
    (resource.RLIMIT_CPU, 60),
    (resource.RLIMIT_AS, 2 << 30),
    (resource.RLIMIT_FSIZE, 256 << 20),
    (resource.RLIMIT_CORE, 0),
)
# Height, quality: the first that makes a preview small enough is taken.
_PREVIEW_SIZES: Final = ((400, 60), (400, 35), (300, 30), (240, 20))


class NoPicture(Exception):
    """ffmpeg could not make it; its last words are the message."""


def still(source: Path, *, at: float, to: Path) -> None:
    """Write one picture of a fragmented MP4 as JPEG, at most 960 pixels wide or high.

    :param at: seconds from its first picture
    :raises NoPicture: there is none at that place
    """
    size = "scale=w=min(iw\\,960):h=min(ih\\,960):force_original_aspect_ratio=decrease"
    _run(
        ["-ss", f"{at:.3f}", *_input(source), "-frames:v", "1", "-vf", size],
        ["-q:v", "4", "-f", "image2", "-update", "1"],
        to,
    )


def frames(source: Path, *, at: float, into: Path, first: int) -> int:
    """Write the pictures of a moment, cut to 4:5 as cards are; returns how many there are.

    :raises NoPicture: there is none at that place
    """
    cut = "crop=w=min(iw\\,ih*4/5):h=min(ih\\,iw*5/4),scale=-2:400:flags=bilinear"
    _run(
        ["-ss", f"{at:.3f}", "-t", str(PREVIEW_SECONDS), *_input(source)],
        ["-vf", f"fps={_FRAMES_PER_SECOND},{cut}", "-start_number", str(first)],
        into / "%04d.png",
    )
    return len(list(into.glob("*.png"))) - first


def preview(pictures: Path, *, to: Path) -> None:
    """Make an endless moving WebP of a folder of numbered pictures, at most 300,000 bytes.

    :raises NoPicture: there are none, or they can't be made small enough
    """
    for height, quality in _PREVIEW_SIZES:
        _run(
            ["-framerate", str(_FRAMES_PER_SECOND), "-i", str(pictures / "%04d.png")],
            f"-vf scale=-2:{height} -c:v libwebp_anim -quality {quality} -loop 0 -f webp".split(),
            to,
        )
        if to.stat().st_size <= LARGEST_PREVIEW:
            return
    raise NoPicture("too large")


def clip(source: Path, *, at: float, seconds: float, to: Path) -> None:
    """Copy a stretch into an MP4 that plays while it loads, from the key frame before its start.

    :raises NoPicture: there is nothing at that place
    """
    _run(
        ["-ss", f"{at:.3f}", *_input(source), "-t", f"{seconds:.3f}"],
        (
            "-map 0:v:0 -map 0:a:0? -c copy -map_metadata -1 -avoid_negative_ts make_zero"
            " -movflags +faststart -f mp4"
        ).split(),
        to,
    )


def _input(source: Path) -> Sequence[str]:
    # What was recorded is MP4; nothing in it may make ffmpeg open anything else.
    return ["-protocol_whitelist", "file", "-f", "mov", "-i", str(source)]


def _run(reading: Sequence[str], writing: Sequence[str], to: Path) -> None:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-nostdin", "-y"]
    command += ["-v", "error", "-threads", "1", *reading, "-threads", "1", *writing, str(to)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        _hold(process.pid)
        try:
            _, said = process.communicate(timeout=_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired as slow:
            process.kill()
            raise NoPicture("too slow") from slow
    written = to if "%" not in to.name else next(to.parent.glob(f"*{to.suffix}"), to)
    if process.returncode or not written.exists() or not written.stat().st_size:
        raise NoPicture(said.decode(errors="replace").strip()[-300:] or "nothing was written")


def _hold(pid: int) -> None:
    """Limit a process that has just begun, and let all others go before it."""
    with suppress(ProcessLookupError):
        for limit, most in _LIMITS:
            resource.prlimit(pid, limit, (most, most))
        os.setpriority(os.PRIO_PROCESS, pid, 15)
