"""A real encoder at the door; what it sends can be read as FLV again."""

import asyncio

import imageio_ffmpeg

from tests.creators.media.rtmp.conftest import KEY
from tests.creators.media.rtmp.encoder import tags

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
PICTURES = "testsrc=size=320x180:rate=25:duration=1"
SOUND = "sine=frequency=440:duration=1"


async def publish(door, key):
    """Return ffmpeg's exit code and what it complained of."""
    process = await asyncio.create_subprocess_exec(
        FFMPEG,
        *("-hide_banner", "-loglevel", "error", "-nostdin"),
        *("-f", "lavfi", "-i", PICTURES, "-f", "lavfi", "-i", SOUND),
        *("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "25"),
        *("-c:a", "aac", "-f", "flv", f"rtmp://127.0.0.1:{door.port}/live/{key}"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, complaints = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    return process.returncode, complaints.decode()


async def test_ffmpeg_may_come_in_with_the_key_only(opened):
    async with opened() as door:
        (code, complaints), (wrong_code, wrong_complaints) = await asyncio.gather(
            publish(door, KEY), publish(door, "sk-wrong")
        )
        await door.empty()

        assert (code, complaints) == (0, "")
        [shelf] = door.reception.shelves
        kinds = [kind for kind, _, _ in tags(bytes(shelf.data))]
        assert kinds[0] == 18
        # 25 pictures and what is needed to decode them; the end of the stream is one, too.
        assert kinds.count(9) >= 26
        assert kinds.count(8) >= 40
        assert shelf.closed.is_set()
        assert wrong_code != 0
        assert "not valid" in wrong_complaints
