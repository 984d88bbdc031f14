"""All viewers of the stage's bench, in one process: `python -m benchmarks.stage.crowd`.

It takes one JSON object per line on its standard input, {"do": what, …}, and answers each with one.
"""

import asyncio
import contextlib
import json
import random
import resource
import socket
import sys
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import uvloop

from benchmarks.stage import words
from benchmarks.stage.book import Book
from benchmarks.stage.viewers import SocketIoViewer, Viewer

AT_ONCE: Final = 256
# What one address may say is limited, and many viewers share one: so do these.
PER_ADDRESS: Final = 50
# Pages that say nothing are taken for gone.
SAY_SOMETHING_SECONDS: Final = 20.0
SETTLE_SECONDS: Final = 5.0
OPEN_SECONDS: Final = 60.0
FLOODER: Final = -1
MOST_TOLD: Final = 10


@dataclass
class Crowd:
    """`book` is of the ordinary viewers, `apart` of those whose figures don't count."""

    ports: list[int]
    show: int = 0
    cookies: list[str] = field(default_factory=list)
    deflate: bool = False
    socketio: bool = False
    book: Book = field(default_factory=Book)
    apart: Book = field(default_factory=Book)
    viewers: list[Viewer] = field(default_factory=list)
    slow: list[Viewer] = field(default_factory=list)
    snapshots: int = 0
    resyncs: int = 0
    slow_resyncs: int = 0
    dropped: int = 0
    endings: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    # --- What viewers tell ----------------------------------------------------------------

    def handshake(self, number: int, path: str) -> bytes:
        host = f"127.0.0.1:{self._port(number)}"
        headers = {"Origin": f"http://{host}"}
        if self.cookies:
            headers["Cookie"] = self.cookies[number % len(self.cookies)]
        return words.request(
            path.format(show=self.show), host=host, headers=headers, deflate=self.deflate
        )

    def lost(self, viewer: Viewer) -> None:
        if viewer.number == FLOODER:
            return
        if viewer.book is self.apart:
            self.endings[str(viewer.close_code or "reset")] += 1
        else:
            self.dropped += 1
            if self.dropped > MOST_TOLD:
                return
            print(f"viewer {viewer.number}: {viewer.close_code or 'reset'}", file=sys.stderr)

    def resynced(self, viewer: Viewer) -> None:
        if viewer.book is self.apart:
            self.slow_resyncs += 1
            self.endings["resync"] += 1
        else:
            self.resyncs += 1

    def refused(self, viewer: Viewer, code: str) -> None:
        if viewer.number != FLOODER:
            self.refusals[code] += 1

    # --- Coming and going -----------------------------------------------------------------

    def _port(self, number: int) -> int:
        return self.ports[number % len(self.ports)]

    async def _connect(self, viewer: Viewer, *, buffer: int = 0, only_in: bool = False) -> None:
        """Have a viewer come (again) and wait until it follows the show, or `only_in`."""
        loop = asyncio.get_running_loop()
        door = socket.socket()
        if buffer:
            door.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        place = viewer.number // PER_ADDRESS + 2
        viewer.ready = loop.create_future()
        viewer.admitted = loop.create_future() if only_in else None
        try:
            door.bind((f"127.0.{place // 250}.{place % 250 + 1}", 0))
            door.setblocking(False)
            await loop.sock_connect(door, ("127.0.0.1", self._port(viewer.number)))
            await loop.create_connection(lambda: viewer, sock=door)
        except BaseException:
            door.close()
            raise
        try:
            await asyncio.wait_for(viewer.admitted or viewer.ready, OPEN_SECONDS)
        except TimeoutError:
            viewer.hang_up()
            raise

    async def open(self, *, count: int, slow: int = 0, first: int = 0) -> dict[str, Any]:
        """Have viewers come as fast as they are let in; the last `slow` ones have small buffers.

        First all are let in (the handshake, with origin and session); then they say where they
        stand, and get the show's state and their own.
        """
        kind = SocketIoViewer if self.socketio else Viewer
        gate = asyncio.Semaphore(AT_ONCE)

        async def come(number: int) -> None:
            is_slow = number >= first + count - slow
            viewer = kind(self, number, self.apart if is_slow else self.book)
            async with gate:
                await self._connect(viewer, buffer=65_536 if is_slow else 0, only_in=True)
            (self.slow if is_slow else self.viewers).append(viewer)

        async def begin(viewer: Viewer) -> None:
            async with gate:
                # Who waited for long was given its state unasked.
                if viewer.at is None:
                    viewer.greet()
                if viewer.ready is not None:
                    await asyncio.wait_for(viewer.ready, OPEN_SECONDS)

        began = time.monotonic()
        await asyncio.gather(*(come(number) for number in range(first, first + count)))
        let_in = time.monotonic()
        await asyncio.gather(*(begin(viewer) for viewer in [*self.viewers, *self.slow]))
        follow = time.monotonic()
        self.tasks["talk"] = asyncio.create_task(self._say_something())
        return {
            "connects_per_s": round(count / (let_in - began)),
            "states_per_s": round(count / (follow - let_in)),
        }

    async def _say_something(self) -> None:
        ping = words.masked(b"2" if self.socketio else b'{"t":"ping"}')
        if self.socketio:
            return
        while True:
            for viewer in [*self.viewers]:
                viewer.write(ping)
                await asyncio.sleep(SAY_SOMETHING_SECONDS / len(self.viewers))

    async def blip(self, *, within: float) -> dict[str, Any]:
        """Cut everybody off, and have them come back, each at a random moment within so long."""
        self.snapshots, tries, moments = 0, 0, []
        for viewer in self.viewers:
            viewer.hang_up()
        while any(viewer.transport is not None for viewer in self.viewers):
            await asyncio.sleep(0.05)
        began = time.monotonic()

        async def come_back(viewer: Viewer) -> None:
            nonlocal tries
            await asyncio.sleep(random.uniform(0, within))  # noqa: S311  # not a secret
            for again in range(20):
                tries += 1
                try:
                    await self._connect(viewer)
                except (TimeoutError, OSError):
                    # As the page: later and later, at random.
                    longest = min(10, 0.5 * 2**again)
                    await asyncio.sleep(random.uniform(0.1, longest))  # noqa: S311
                else:
                    moments.append(time.monotonic() - began)
                    self._say_again(viewer)
                    return

        await asyncio.gather(*(come_back(viewer) for viewer in self.viewers))
        return {
            "back": len(moments),
            "all_back_s": round(max(moments, default=-1.0), 2),
            "snapshots": self.snapshots,
            "tries": tries,
        }

    def _say_again(self, viewer: Viewer) -> None:
        """Send the lines again that may not have arrived, as the page does."""
        for client_id, number in viewer.lines.items():
            if (f"chat:{viewer.number}", number) not in self.book.places:
                self._say(viewer, client_id, number)

    def _say(self, viewer: Viewer, client_id: str, number: int) -> None:
        mark = words.mark(f"chat:{viewer.number}", number, time.time())
        viewer.write(words.chat(client_id, mark))

    # --- What they do ---------------------------------------------------------------------

    async def chat(self, *, rate: float) -> dict[str, Any]:
        """Write so many lines a second by the chat's door, everybody in turn; 0 stops it."""
        await self._stop("chat")
        if rate:
            self.tasks["chat"] = asyncio.create_task(self._chat(rate))
        return {}

    async def _chat(self, rate: float) -> None:
        began, sent, turn = time.monotonic(), 0, 0
        while True:
            viewer = self.viewers[turn % len(self.viewers)]
            turn += 1
            if not viewer.is_open:
                await asyncio.sleep(0)
                continue
            client_id = str(uuid.UUID(int=random.getrandbits(128)))  # not a secret
            number = max(viewer.lines.values(), default=0) + 1
            viewer.lines[client_id] = number
            self._say(viewer, client_id, number)
            sent += 1
            await asyncio.sleep(max(0.0, began + sent / rate - time.monotonic()))

    async def flood(self, *, rate: float) -> dict[str, Any]:
        """Have one more viewer write that fast, who comes back when thrown out; 0 stops it."""
        await self._stop("flood")
        if rate:
            self.tasks["flood"] = asyncio.create_task(self._flood(rate))
        return {}

    async def _flood(self, rate: float) -> None:
        viewer = Viewer(self, FLOODER, self.apart)
        began, sent = time.monotonic(), 0
        try:
            while True:
                if viewer.transport is None:
                    with contextlib.suppress(OSError, asyncio.TimeoutError):
                        await self._connect(viewer)
                viewer.write(words.chat(str(uuid.uuid4()), f"flood {sent} {time.time()}"))
                sent += 1
                await asyncio.sleep(max(0.0, began + sent / rate - time.monotonic()))
        finally:
            if viewer.transport is not None:
                viewer.transport.abort()

    async def stall(self) -> dict[str, Any]:
        """Have the slow ones stop reading."""
        self.endings.clear()
        for viewer in self.slow:
            if viewer.transport is not None:
                viewer.transport.pause_reading()
        return {}

    async def unstall(self) -> dict[str, Any]:
        """Have them read again, and tell how they ended: a resync, a close code, "caught up"."""
        still = [viewer for viewer in self.slow if viewer.transport is not None]
        for viewer in still:
            if viewer.transport is not None:
                viewer.transport.resume_reading()
        await asyncio.sleep(1.5)
        told = self.endings.total()
        endings = dict(self.endings) | {"caught_up": len(self.slow) - told}
        await asyncio.gather(*(self._back(viewer) for viewer in self.slow))
        return {"endings": endings}

    async def _back(self, viewer: Viewer) -> None:
        for again in range(5):
            if viewer.transport is not None:
                return
            viewer.at = None
            with contextlib.suppress(OSError, TimeoutError):
                await self._connect(viewer, buffer=65_536)
                return
            await asyncio.sleep(random.uniform(0, 2**again))  # noqa: S311  # not a secret

    async def _stop(self, name: str) -> None:
        task = self.tasks.pop(name, None)
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    # --- What it found --------------------------------------------------------------------

    async def figures(self, *, windows: list[tuple[float, float]]) -> dict[str, Any]:
        """Tell what the ordinary viewers got in each of these spans of time."""
        return {"windows": self.book.figures(windows)}

    async def finish(self, *, published: int | None) -> dict[str, Any]:
        """Compare with what was published, by the bench and by the chatting viewers.

        `published` is None when it can't be known, for what was offered was too much.
        """
        await self._stop("chat")
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            behind, order = self._behind(), self._order(published)
            if not (behind or order.get("lost")) or time.monotonic() > deadline:
                break
            await asyncio.sleep(0.25)
        return {
            "gaps": self.book.gaps + self.apart.gaps + behind,
            "duplicates": self.book.duplicates + self.apart.duplicates,
            "strays": self.book.strays + self.apart.strays,
            "dropped": self.dropped,
            "resyncs": self.resyncs,
            "refused": dict(self.refusals),
            "lines": sum(len(viewer.lines) for viewer in self.viewers),
            **order,
        }

    def _order(self, published: int | None) -> dict[str, int]:
        if published is None:
            return {}
        lines = {f"chat:{one.number}": set(one.lines.values()) for one in self.viewers}
        return self.book.order({"hub": range(1, published + 1), **lines})

    def _behind(self) -> int:
        """Count what viewers should have got by now, all together."""
        epoch, seq = self.book.top()
        return sum(
            self.book.behind(viewer.at, epoch, seq)
            for viewer in self.viewers
            if viewer.at is not None and viewer.transport is not None
        )


async def obey() -> None:
    options = json.loads(await asyncio.to_thread(sys.stdin.readline))
    path = options.pop("cookies", None)
    cookies = json.loads(Path(path).read_text()) if path else []
    crowd = Crowd(cookies=cookies, **options)
    while line := await asyncio.to_thread(sys.stdin.readline):
        said = json.loads(line)
        try:
            answer = await getattr(crowd, said.pop("do"))(**said)
        except Exception as error:
            answer = {"failed": repr(error)}
        print(json.dumps(answer), flush=True)


def main() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(obey())


if __name__ == "__main__":
    main()
