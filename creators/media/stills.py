"""A still of now: the newest key frame of a stream as JPEG, made when somebody asks for it."""

import asyncio
import contextlib
import logging
import time
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from creators.media.ffmpeg import executable, limit

log = logging.getLogger(__name__)

RENEWED_AFTER_S: Final = 10.0
MADE_WITHIN_S: Final = 5.0
# Wide enough for a card of the home page.
_SCALE: Final = "scale=w='min(720,iw)':h=-2"
_AT_ONCE: Final = 2


@dataclass
class _Still:
    data: bytes | None = None
    made_at: float = -RENEWED_AFTER_S
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Stills:
    """Keeps one still per stream."""

    def __init__(self) -> None:
        self._stills: dict[UUID, _Still] = {}
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def of(self, stream_id: UUID, segment: bytes | None) -> bytes | None:
        """Return a JPEG that is at most about ten seconds old; None when there is no picture.

        :param segment: the newest segment that begins with a key frame, with its init before it
        """
        still = self._stills.setdefault(stream_id, _Still())
        async with still.lock:
            is_old = time.monotonic() - still.made_at >= RENEWED_AFTER_S
            if segment is not None and is_old:
                still.made_at = time.monotonic()
                async with self._room:
                    still.data = await first_picture(segment) or still.data
            return still.data

    def forget(self, stream_id: UUID) -> None:
        self._stills.pop(stream_id, None)


async def first_picture(mp4: bytes) -> bytes | None:
    """Return the first picture of a fragmented MP4 as JPEG; None when it can't be read."""
    process = await asyncio.create_subprocess_exec(
        executable(),
        *["-hide_banner", "-nostdin", "-loglevel", "error", "-protocol_whitelist", "pipe,fd"],
        *["-threads", "1", "-f", "mov", "-i", "pipe:0", "-map", "0:v:0", "-frames:v", "1"],
        *["-vf", _SCALE, "-q:v", "5", "-f", "mjpeg", "pipe:1"],
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    limit(process.pid, is_transcoding=True, minutes=1)
    try:
        async with asyncio.timeout(MADE_WITHIN_S):
            picture, _ = await process.communicate(mp4)
    except (TimeoutError, OSError) as error:
        log.warning("no still could be made: %r", error)
        return None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return picture if process.returncode == 0 and picture else None
