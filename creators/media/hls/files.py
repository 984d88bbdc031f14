"""Recordings in a folder, served with ranges. Names are unguessable; there is no list of them."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

from creators.media.hls.replies import FOREVER, JPEG, MP4, Refused, Reply

_CHUNK = 256 * 1024
# Nothing hidden, nothing that goes up.
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")
_RANGE = re.compile(rb"bytes=(\d{0,15})-(\d{0,15})")
_KINDS = {
    ".mp4": MP4,
    ".m4s": MP4,
    ".jpg": JPEG,
    ".webp": b"image/webp",
    ".webm": b"video/webm",
    ".vtt": b"text/vtt; charset=utf-8",
}


class Files:
    """The files of one folder, and of no other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def answer(self, name: str, wanted: bytes) -> Reply:
        """Return a file or the range of it that is asked for.

        :raises Refused: 404 no such file here, 416 no such range
        """
        found = await asyncio.to_thread(self._find, name)
        if found is None:
            raise Refused(404, "There is no such recording.")
        path, size = found
        kind = _KINDS.get(path.suffix, b"application/octet-stream")
        ranges = ((b"accept-ranges", b"bytes"),)
        span = _span(wanted, size)
        if span is None:
            return Reply(b"", kind, FOREVER, size=size, chunks=_chunks(path, 0, size), extra=ranges)
        start, end = span
        content = b"bytes %d-%d/%d" % (start, end - 1, size)
        return Reply(
            b"",
            kind,
            FOREVER,
            status=206,
            size=end - start,
            chunks=_chunks(path, start, end),
            extra=(*ranges, (b"content-range", content)),
        )

    def _find(self, name: str) -> tuple[Path, int] | None:
        if not _NAME.fullmatch(name) or len(name) > 300:
            return None
        folder = self.folder.resolve()
        try:
            path = (folder / name).resolve()
            if not path.is_relative_to(folder) or not path.is_file():
                return None
            return path, path.stat().st_size
        except OSError:
            return None


def _span(wanted: bytes, size: int) -> tuple[int, int] | None:
    """Return start and end of the range that is asked for; None when all is."""
    match = _RANGE.fullmatch(wanted.replace(b" ", b""))
    if match is None or match[1] == match[2] == b"":
        return None
    if not match[1]:
        start, end = max(size - int(match[2]), 0), size
    else:
        start = int(match[1])
        end = min(int(match[2]) + 1, size) if match[2] else size
        if match[2] and int(match[2]) < start:
            return None
    if start >= end:
        raise Refused(416, f"The file has {size} bytes.")
    return start, end


async def _chunks(path: Path, start: int, end: int) -> AsyncIterator[bytes]:
    def read(at: int) -> bytes:
        with path.open("rb") as file:
            file.seek(at)
            return file.read(min(_CHUNK, end - at))

    while start < end:
        chunk = await asyncio.to_thread(read, start)
        if not chunk:
            return
        start += len(chunk)
        yield chunk
