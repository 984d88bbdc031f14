"""Sound that ends, or pictures that begin late: what is there goes on being sent."""

import asyncio
import subprocess

import imageio_ffmpeg
import pytest

from creators.media.ffmpeg import Ffmpeg
from creators.media.formats import recognise
from creators.media.hls.cutter import Cutter, Init
from creators.media.rtmp import flv

SOUND, PICTURE = 8, 9


@pytest.fixture(scope="module")
def tags():
    """Two seconds of picture and sound: kind, milliseconds, body."""
    words = ["-f", "lavfi", "-i", "testsrc2=size=64x36:rate=25:duration=2"]
    words += ["-f", "lavfi", "-i", "sine=sample_rate=44100:duration=2"]
    words += ["-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-c:a", "aac", "-f", "flv"]
    words = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-loglevel", "error", *words, "-"]
    made = subprocess.run(words, check=True, stdout=subprocess.PIPE).stdout
    found, at = [], 13
    while at < len(made):
        size = int.from_bytes(made[at + 1 : at + 4], "big")
        found.append((made[at], int.from_bytes(made[at + 4 : at + 7], "big"), at + 11, size))
        at += 15 + size
    return [(kind, time, made[start : start + size]) for kind, time, start, size in found]


async def sent_on(tags, *, pictures):
    """Return init and picture times of what comes out while the publisher stays, silent."""
    head = flv.header({}) + b"".join(flv.tag(*tag) for tag in tags)
    running = await Ffmpeg.start("flv", recognise("flv", head), renditions=[], minutes=1)
    cutter, init, starts = Cutter(), None, []
    try:
        await running.write(head)
        async with asyncio.timeout(10):
            while len(starts) < pictures and (data := await running.outputs[0].read(65536)):
                for one in cutter.feed(data):
                    if isinstance(one, Init):
                        init = one
                    elif one.frames:
                        starts.append(one.start)
    finally:
        running.finish()
        await running.end(patience=0.1)
    return init, starts


async def test_a_picture_goes_on_when_its_sound_ends(tags):
    init, starts = await sent_on(
        [one for one in tags if one[0] != SOUND or one[1] < 500], pictures=35
    )
    assert "mp4a" in init.codecs
    assert len(starts) >= 35


@pytest.mark.parametrize("late", [PICTURE, SOUND])
async def test_what_begins_later_is_not_overlooked(tags, late):
    shifted = [(kind, time + 900 * (kind == late), body) for kind, time, body in tags]
    init, starts = await sent_on(sorted(shifted, key=lambda one: one[1]), pictures=20)
    assert "avc1" in init.codecs
    assert "mp4a" in init.codecs
    assert len(starts) >= 20
