"""An origin, put together: who lets publishers in, what they send out, who keeps watch."""

import asyncio
import contextlib
import logging
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from django.conf import settings

from creators.media.camera import camera
from creators.media.clerk import Clerk
from creators.media.hls.http import Origin
from creators.media.hls.output import StreamOutput
from creators.media.hls.replies import Receive, Scope, Send
from creators.media.hls.ring import Disk
from creators.media.hls.track import ClosedSegment
from creators.media.intake import SOURCE
from creators.media.keeper import Keeper
from creators.media.reception import FrontDesk
from creators.media.stills import Stills

log = logging.getLogger(__name__)

# Together they stay below the three seconds that an orderly stop may take.
_STORED_WITHIN_S: Final = 0.8
_TOLD_WITHIN_S: Final = 0.4


class Station:
    """All of an origin but its ports. `app` is its ASGI application."""

    def __init__(self) -> None:
        root: Path = settings.ORIGIN_DIR
        root.mkdir(parents=True, exist_ok=True)
        self.disk = Disk(
            root,
            most_bytes=settings.ORIGIN_DISK_MB << 20,
            most_stream_bytes=settings.ORIGIN_STREAM_DISK_MB << 20,
        )
        recordings = None if settings.RECORDINGS_BUCKET else settings.RECORDINGS_DIR
        self.app = Origin(disk=self.disk, recordings=recordings)
        self.clerk = Clerk()
        self.desk = FrontDesk(open_output=self.open, clerk=self.clerk)
        self.keeper = Keeper(shelf=self, desk=self.desk, clerk=self.clerk)
        self.app.camera = self._camera
        self.app.status = self.status
        self._stills = Stills()
        self._last_health: dict[UUID, dict[str, Any]] = {}
        self._renditions = [SOURCE, *settings.RENDITIONS]
        self._tasks: list[asyncio.Task[None]] = []

    # The streams -------------------------------------------------------------------------------

    @property
    def streams(self) -> dict[UUID, StreamOutput]:
        return self.app.streams

    def open(self, stream_id: UUID, *, is_private: bool) -> StreamOutput:
        """Return a stream's output, with what is on disk of it."""
        output = self.app.open(
            stream_id, is_private=is_private, on_segment=partial(self._keep, stream_id)
        )
        for name in self._renditions:
            output.track(name)
        output.poster = partial(self._poster, output)
        output.health = partial(self.health, stream_id)
        return output

    def kept(self) -> list[UUID]:
        """Return the streams of which something is on disk."""
        found = []
        for folder in self.disk.root.iterdir():
            with contextlib.suppress(ValueError):
                found.append(UUID(folder.name))
        return found

    def discard(self, stream_id: UUID) -> None:
        """Serve a stream no more, and remove what is on disk of it."""
        self.app.drop(stream_id)
        self.disk.forget(stream_id)
        self._stills.forget(stream_id)
        self._last_health.pop(stream_id, None)

    def _keep(self, stream_id: UUID, rendition: str, segment: ClosedSegment) -> None:
        if rendition == SOURCE:
            self.keeper.recorder(stream_id).take(segment)

    async def _poster(self, output: StreamOutput) -> bytes | None:
        return await self._stills.of(output.stream_id, output.tracks[SOURCE].newest_picture())

    async def _camera(self, scope: Scope, receive: Receive, send: Send) -> None:
        await camera(scope, receive, send, reception=self.desk)

    # Figures -----------------------------------------------------------------------------------

    def health(self, stream_id: UUID) -> dict[str, Any]:
        """Return a stream's figures for its host, plain JSON.

        `state` is "waiting" (no publisher was here yet), "on", "lost" or "over". The figures of
        the last publisher stay when it has gone. `recording` is "off", "on" or "failing", `disk`
        is "ok" or says in English what is wrong with the origin's own disk. `viewers` are those
        who wait for the next part at the moment. Of `warnings`, see `PictureIntake.health`.
        """
        intake = self.desk.present.get(stream_id)
        output = self.streams.get(stream_id)
        source = output.tracks[SOURCE] if output else None
        if intake is not None:
            self._last_health[stream_id] = intake.health()
        state = "on" if intake is not None else "waiting" if not (source and source.run) else "lost"
        if source is not None and source.is_ended:
            state = "over"
        return {
            "state": state,
            "now": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "viewers": source.playlist_waiters.count if source else 0,
            "recording": self.keeper.recorder(stream_id).state,
            "disk": self.disk.trouble or "ok",
            "is_private": output.is_private if output else True,
            **self._last_health.get(stream_id, {}),
        }

    def status(self) -> dict[str, Any]:
        """Return the origin's figures, for whoever watches over it."""
        return {
            "receiving": len(self.desk.present),
            "database": "away" if self.keeper.is_database_away else "ok",
            "recording": "failing" if self.keeper.is_recording_failing else "ok",
        }

    # Life --------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin its work on the running loop."""
        works = (self.clerk.run(), self._keep_watch())
        self._tasks = [asyncio.create_task(work) for work in works]

    async def _keep_watch(self) -> None:
        await self.keeper.take_over()
        await self.keeper.run()

    async def stop(self) -> None:
        """Let publishers go, store and tell what can be in a moment; the rest is on disk."""
        began = time.monotonic()
        await self.desk.close()
        await self.keeper.close(patience=_STORED_WITHIN_S)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_TOLD_WITHIN_S):
                await self.clerk.all_told()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.clerk.close()
        await asyncio.to_thread(self.disk.close)
        log.info("the origin stopped in %.1f s", time.monotonic() - began)
