"""Many viewers of one playlist, in one process: what hls.js asks for, without a browser.

`python -m benchmarks.viewers URL VIEWERS SECONDS SETTLE` prints one JSON object.

Each viewer has two connections, as a browser has for hls.js: one reloads the media playlist, held
by the origin until the next part is there (`_HLS_msn`, `_HLS_part`, `_HLS_skip`, gzip), the other
gets each new part. A part was complete at its end by the playlist's own dates
(PROGRAM-DATE-TIME and durations): that is the least delay between the encoder and the origin, so
whatever the origin is late with, the pipe through ffmpeg included, counts; the last part of a
segment is by nature one frame later, for only the next key frame ends it.
"""

import asyncio
import json
import sys
import time
import zlib
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast
from urllib.parse import urlsplit

import uvloop

LATE_SECONDS = 0.5
GIVE_UP_SECONDS = 10.0


@dataclass
class Tally:
    """What all viewers together got while it counted."""

    counts: bool = False
    lateness: list[float] = field(default_factory=list)
    size: int = 0
    playlists: int = 0
    errors: int = 0
    known: dict[bytes, "News"] = field(default_factory=dict)


@dataclass(frozen=True)
class News:
    """What a playlist says: its newest part, and each part's path and date of its end."""

    number: int
    part: int
    parts: tuple[tuple[int, str, float], ...]


def read(body: bytes) -> News:
    """Read a playlist or a delta update of it."""
    text = zlib.decompress(body, 31).decode() if body[:2] == b"\x1f\x8b" else body.decode()
    number, index, at = 0, -1, 0.0
    parts: list[tuple[int, str, float]] = []
    last = (0, -1)
    for line in text.splitlines():
        if line.startswith("#EXT-X-PART:"):
            words = dict(one.partition("=")[::2] for one in line[12:].split(","))
            name = words["URI"].strip('"')
            index += 1
            at += float(words["DURATION"])
            parts.append((int(name[1:-4]), name, at))
            last = (number, index)
        elif line.startswith("#EXT-X-PROGRAM-DATE-TIME:"):
            at = datetime.fromisoformat(line[25:].replace("Z", "+00:00")).timestamp()
        elif line.startswith("#EXT-X-MEDIA-SEQUENCE:"):
            number += int(line[22:])
        elif line.startswith("#EXT-X-SKIP:"):
            number += int(line.rpartition("=")[2])
        elif not line.startswith("#"):
            number, index = number + 1, -1
    return News(*last, tuple(parts))


class Connection(asyncio.BufferedProtocol):
    """A keep-alive connection with one request at a time; bodies are counted, or kept."""

    # What is received is used up at once: one buffer is enough for all.
    buffer = bytearray(1 << 18)

    def __init__(self, host: str) -> None:
        self.host = host
        self.transport: asyncio.Transport | None = None
        self.answer: asyncio.Future[tuple[int, int, bytes]] | None = None
        self._head = b""
        self._status = 0
        self._size = 0
        self._left = -1
        self._keep = False
        self._body = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's is one in all but name.
        self.transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.answer is not None and not self.answer.done():
            self.answer.set_exception(exc or ConnectionResetError())

    def get(self, path: str, *, keep: bool) -> "asyncio.Future[tuple[int, int, bytes]]":
        """Ask for a path; the answer is its status, its size, and its bytes if they are kept."""
        assert self.transport is not None  # noqa: S101
        self.answer = asyncio.get_running_loop().create_future()
        self._head, self._left, self._keep, self._body = b"", -1, keep, b""
        self.transport.write(
            f"GET {path} HTTP/1.1\r\nhost: {self.host}\r\naccept: */*\r\n"
            "accept-encoding: gzip, deflate, br\r\nreferer: http://shop.example/\r\n"
            "user-agent: Mozilla/5.0 (X11; Linux x86_64) bench\r\n\r\n".encode()
        )
        return self.answer

    def get_buffer(self, sizehint: int) -> bytearray:
        return self.buffer

    def buffer_updated(self, nbytes: int) -> None:
        start = 0
        if self._left < 0:
            self._head += bytes(self.buffer[:nbytes])
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self._head[:end].lower()
            self._status = int(head[9:12])
            at = head.find(b"content-length:")
            self._size = self._left = int(head[at + 15 :].split(b"\r\n", 1)[0])
            start = nbytes - (len(self._head) - end - 4)
        if self._keep:
            self._body += bytes(self.buffer[start:nbytes])
        self._left -= nbytes - start
        if self._left <= 0 and self.answer is not None and not self.answer.done():
            self.answer.set_result((self._status, self._size, self._body))


class Viewer:
    """Follows the playlist, and gets what it tells of."""

    def __init__(self, url: str, tally: Tally) -> None:
        parts = urlsplit(url)
        self.host, self.port = parts.hostname or "", parts.port or 80
        self.path = parts.path
        self.folder = parts.path.rpartition("/")[0]
        self.tally = tally
        self.wanted: deque[tuple[str, float]] = deque()
        self.has_more = asyncio.Event()

    async def watch(self) -> None:
        loop = asyncio.get_running_loop()
        _, playlists = await loop.create_connection(
            lambda: Connection(self.host), self.host, self.port
        )
        _, parts = await loop.create_connection(lambda: Connection(self.host), self.host, self.port)
        fetching = asyncio.create_task(self._fetch(parts))
        try:
            await self._follow(playlists)
        finally:
            fetching.cancel()

    async def _follow(self, connection: Connection) -> None:
        newest, query = -1, ""
        while True:
            status, size, body = await connection.get(self.path + query, keep=True)
            if status != 200:
                self.tally.errors += self.tally.counts
                await asyncio.sleep(0.5)
                continue
            if self.tally.counts:
                self.tally.size += size
                self.tally.playlists += 1
            news = self.tally.known.get(body)
            if news is None:
                if len(self.tally.known) > 50:
                    self.tally.known.clear()
                news = self.tally.known[body] = read(body)
            fresh = [one for one in news.parts if one[0] > newest]
            # Who comes begins with the newest part, not with all that is told of.
            for number, name, end in fresh if newest >= 0 else fresh[-1:]:
                newest = number
                self.wanted.append((name, end))
                self.has_more.set()
            query = f"?_HLS_msn={news.number}&_HLS_part={news.part + 1}&_HLS_skip=YES"

    async def _fetch(self, connection: Connection) -> None:
        while True:
            await self.has_more.wait()
            self.has_more.clear()
            while self.wanted:
                name, end = self.wanted.popleft()
                status, size, _ = await connection.get(f"{self.folder}/{name}", keep=False)
                if not self.tally.counts:
                    continue
                if status != 200:
                    self.tally.errors += 1
                    continue
                self.tally.size += size
                self.tally.lateness.append(time.time() - end)


async def crowd(url: str, *, viewers: int, seconds: float, settle: float) -> dict[str, float | int]:
    """Have that many viewers come over a few seconds, and count what they get for `seconds`."""
    tally = Tally()
    everyone = [Viewer(url, tally) for _ in range(viewers)]
    tasks: list[asyncio.Task[None]] = []
    for one in everyone:
        tasks.append(asyncio.create_task(one.watch()))
        await asyncio.sleep(settle / 2 / viewers)
    await asyncio.sleep(settle / 2)
    cpu, began = time.process_time(), time.time()
    tally.counts = True
    print("counting", flush=True)
    await asyncio.sleep(seconds)
    tally.counts = False
    passed = time.time() - began
    print("counted", flush=True)
    fallen = sum(task.done() for task in tasks)
    # What should have been there by now and is not: late without end.
    missing = sum(end + LATE_SECONDS < time.time() for one in everyone for _, end in one.wanted)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    late = sorted(tally.lateness)
    return {
        "late_parts": sum(one > LATE_SECONDS for one in late) + tally.errors + missing + fallen,
        "parts": len(late),
        "playlists": tally.playlists,
        "errors": tally.errors,
        "fallen": fallen,
        "lateness_p50_s": round(late[len(late) // 2], 3) if late else -1,
        "lateness_p99_s": round(late[len(late) * 99 // 100], 3) if late else -1,
        "lateness_max_s": round(late[-1], 3) if late else -1,
        "mb_per_s": round(tally.size / passed / 1e6, 1),
        "viewers": viewers,
        "viewers_cpu_percent": round((time.process_time() - cpu) / passed * 100, 1),
    }


def main() -> None:
    url, viewers, seconds, settle = sys.argv[1:]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(
            crowd(url, viewers=int(viewers), seconds=float(seconds), settle=float(settle))
        )
    print(json.dumps(found))


if __name__ == "__main__":
    main()
