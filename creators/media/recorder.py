"""Keeps what is on the air: live segments are joined, stored, and entered in the database.

Until a stretch is stored, the origin's own disk holds its segments; storage and database may be
away meanwhile, and the origin may die.
"""

import asyncio
import logging
import secrets
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from django.core.files.base import ContentFile
from django.core.files.storage import storages

from creators.media import services
from creators.media.clerk import Clerk
from creators.media.hls.track import ClosedSegment
from creators.media.queries import Standing

log = logging.getLogger(__name__)

STRETCH_SECONDS: Final = 6.0
# The site says so many seconds late, at most, that a show went on the air.
SAID_WITHIN_S: Final = 4.0
RETRY_SECONDS: Final = 2.0
# What can't be stored is held in memory up to this many bytes; of more, only the disk has them.
MOST_WAITING: Final = 64 << 20


class Recorder:
    """Stores the segments of one stream, in their order."""

    def __init__(
        self,
        *,
        stream_id: UUID,
        clerk: Clerk,
        threads: ThreadPoolExecutor,
        read: Callable[[int], bytes | None],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._stream_id = stream_id
        # Reads a segment from the disk by its number.
        self._read = read
        self._clerk = clerk
        self._threads = threads
        self._now = now
        self._folder = f"{stream_id}/{secrets.token_urlsafe(12)}"
        self._waiting: deque[ClosedSegment] = deque()
        # Bytes of those that wait.
        self._held = 0
        self._stored_inits: dict[tuple[int, str], str] = {}
        self._on_air: tuple[float, float] | None = None
        # When the site last said whether it is on the air.
        self._followed_at = 0.0
        self._is_finishing = False
        self._is_erased = False
        self._wake = asyncio.Event()
        self.is_failing = False
        self._task = asyncio.create_task(self._run())

    def take(self, segment: ClosedSegment) -> None:
        """Take the next segment; it is stored if it turns out to be on the air.

        One without bytes is read from the disk when its turn comes.
        """
        if self._is_erased:
            return
        if self._held + len(segment.data) > MOST_WAITING:
            segment = replace(segment, data=b"")
        self._held += len(segment.data)
        self._waiting.append(segment)
        self._wake.set()

    def follow(self, standing: Standing) -> None:
        """Take note of what the site says of the stream."""
        if standing.is_erased:
            self._drop_all()
        self._followed_at = self._now()
        begin, end = standing.on_air_from, standing.on_air_until
        self._on_air = (
            (begin.timestamp(), end.timestamp() if end else float("inf")) if begin else None
        )
        if standing.is_closed:
            self._is_finishing = True
        self._wake.set()

    @property
    def state(self) -> str:
        """Tell whether what comes is kept: "on", "off" or "failing"."""
        if self.is_failing:
            return "failing"
        return "on" if self._on_air and self._on_air[1] > self._now() else "off"

    @property
    def is_done(self) -> bool:
        return self._is_finishing and not self._waiting

    async def finish(self, *, patience: float) -> bool:
        """Store what is left; False when that was not possible in time."""
        self._is_finishing = True
        self._wake.set()
        try:
            async with asyncio.timeout(patience):
                while self._waiting:
                    await asyncio.sleep(0.05)
        except TimeoutError:
            return False
        return True

    def close(self) -> None:
        """Store no more; what is just being stored of an erased stream is still deleted after."""
        if not self._is_erased:
            self._task.cancel()

    # -------------------------------------------------------------------------------------------

    def _drop_all(self) -> None:
        self._is_erased = True
        self._waiting.clear()
        self._held = 0

    def _drop_first(self) -> None:
        self._held -= len(self._waiting.popleft().data)

    async def _run(self) -> None:
        while not self._is_erased:
            self._wake.clear()
            stretch = self._next_stretch()
            if stretch:
                if filled := await self._filled(stretch):
                    await self._store_patiently(filled)
                continue
            # Wakes by itself, too: what was not on the air is let go as time passes.
            try:
                await asyncio.wait_for(self._wake.wait(), 1.0)
            except TimeoutError:
                continue

    def _next_stretch(self) -> list[ClosedSegment]:
        """Let go what is not on the air, and return what makes a stretch, if it is one yet."""
        waiting = self._waiting
        while waiting and not self._is_on_air(waiting[0]):
            may_turn_out_so = waiting[0].starts_at > self._followed_at - SAID_WITHIN_S
            if may_turn_out_so and not self._is_finishing:
                return []
            self._drop_first()
        stretch: list[ClosedSegment] = []
        for segment in waiting:
            if stretch and not _follows(stretch[-1], segment):
                return stretch
            if not self._is_on_air(segment):
                return stretch
            stretch.append(segment)
            if sum(one.duration for one in stretch) > STRETCH_SECONDS - 0.5:
                return stretch
        # A run that has ended brings no more, and neither does a show that is over.
        is_quiet = stretch and self._now() - stretch[-1].starts_at > STRETCH_SECONDS
        return stretch if self._is_finishing or is_quiet else []

    def _is_on_air(self, segment: ClosedSegment) -> bool:
        if self._on_air is None:
            return False
        begin, end = self._on_air
        return segment.starts_at < end and segment.starts_at + segment.duration > begin

    async def _store_patiently(self, stretch: Sequence[ClosedSegment]) -> None:
        loop = asyncio.get_running_loop()
        first, last = stretch[0], stretch[-1]
        # Not to be guessed from its neighbours' names: of a shortened replay, these are still told.
        secret = secrets.token_urlsafe(9)
        wanted = f"{self._folder}/{secret}/{first.run}-{first.number}-{last.number}.m4s"
        written = set()
        while not self._is_erased:
            try:
                saving = loop.run_in_executor(self._threads, self._save, stretch, wanted)
                name, init_name = await saving
                written |= {name, init_name}
                await self._clerk.ask(self._enter, stretch, name, init_name)
            except services.Erased:
                self._drop_all()
            except Exception as error:
                if not self.is_failing:
                    log.warning("stream %s can't be recorded now: %r", self._stream_id, error)
                self.is_failing = True
                await asyncio.sleep(RETRY_SECONDS)
                continue
            if self.is_failing:
                log.info("stream %s is recorded again", self._stream_id)
            self.is_failing = False
            if self._is_erased:
                break
            for _ in stretch:
                self._drop_first()
            return
        # Whoever erased it may have looked before this was there.
        await loop.run_in_executor(self._threads, _delete, written)

    async def _filled(self, stretch: Sequence[ClosedSegment]) -> list[ClosedSegment]:
        """Return it with its bytes, up to the first segment that is lost."""
        loop = asyncio.get_running_loop()
        filled: list[ClosedSegment] = []
        for one in stretch:
            data: bytes | None = one.data
            if not data:
                data = await loop.run_in_executor(self._threads, self._read, one.number)
            if data is None:
                if not filled and self._waiting:
                    log.error("stream %s: segment %d is lost", self._stream_id, one.number)
                    self._drop_first()
                break
            filled.append(replace(one, data=data))
        return filled

    def _save(self, stretch: Sequence[ClosedSegment], name: str) -> tuple[str, str]:
        """Write it, and the initialization section that it needs; returns both names."""
        storage = storages["recordings"]
        first = stretch[0]
        init = (first.run, first.init_name)
        if init not in self._stored_inits:
            wanted = f"{self._folder}/{first.init_name}"
            self._stored_inits[init] = storage.save(wanted, ContentFile(first.init))
        data = b"".join(one.data for one in stretch)
        return storage.save(name, ContentFile(data)), self._stored_inits[init]

    def _enter(self, stretch: Sequence[ClosedSegment], name: str, init_name: str) -> bool:
        first = stretch[0]
        return services.record_segment(
            stream_id=self._stream_id,
            run=first.run,
            first=first.number,
            starts_at=datetime.fromtimestamp(first.starts_at, UTC),
            duration_ms=round(sum(one.duration for one in stretch) * 1000),
            size_bytes=sum(len(one.data) for one in stretch),
            name=name,
            init_name=init_name,
        )


def _follows(before: ClosedSegment, segment: ClosedSegment) -> bool:
    """Whether both make one stretch: nothing lies between them, and the same init fits both."""
    return (
        segment.number == before.number + 1
        and not segment.is_discontinuity
        and (segment.run, segment.init_name) == (before.run, before.init_name)
    )


def _delete(names: Collection[str]) -> None:
    for name in names:
        storages["recordings"].delete(name)
