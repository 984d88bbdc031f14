"""Holds the origin to what the site says: who may go on sending, who may watch, what is over."""

import asyncio
import logging
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import Final, Protocol
from uuid import UUID

from django.db import DatabaseError, InterfaceError

from creators.media import queries, services
from creators.media.clerk import Clerk
from creators.media.hls.output import StreamOutput
from creators.media.hls.track import ClosedSegment
from creators.media.intake import SOURCE
from creators.media.publishing import Refusal
from creators.media.queries import Standing
from creators.media.reception import FrontDesk
from creators.media.recorder import Recorder

log = logging.getLogger(__name__)

LOOK_EVERY: Final = 1.0
SAY_SEEN_EVERY: Final = 5.0
ANSWERED_WITHIN: Final = 5.0
# A stream that is over can be watched to its end for so long; then the origin forgets it.
KEPT_AFTER_END: Final = 300.0


class Shelf(Protocol):
    """The streams that the origin serves."""

    @property
    def streams(self) -> dict[UUID, StreamOutput]:
        """Return them by their ids."""

    def open(self, stream_id: UUID, *, is_private: bool) -> StreamOutput:
        """Return a stream's output, with what is on disk of it."""

    def kept(self) -> Sequence[UUID]:
        """Return the streams of which something is on disk."""

    def discard(self, stream_id: UUID) -> None:
        """Serve a stream no more, and remove what is on disk of it."""


class Keeper:
    """Looks at each stream of the origin once a second."""

    def __init__(self, *, shelf: Shelf, desk: FrontDesk, clerk: Clerk) -> None:
        self._shelf = shelf
        self._desk = desk
        self._clerk = clerk
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="recorder")
        self._recorders: dict[UUID, Recorder] = {}
        self._ended_at: dict[UUID, float] = {}
        self._seen_said = 0.0
        # When the database last answered.
        self.answered_at = time.monotonic()
        self.is_database_away = False

    # The streams of this origin ----------------------------------------------------------------

    def recorder(self, stream_id: UUID) -> Recorder:
        """Return who stores a stream."""
        recorder = self._recorders.get(stream_id)
        if recorder is None:
            recorder = self._recorders[stream_id] = Recorder(
                stream_id=stream_id,
                clerk=self._clerk,
                threads=self._threads,
                read=partial(self._read, stream_id),
            )
        return recorder

    def _read(self, stream_id: UUID, number: int) -> bytes | None:
        output = self._shelf.streams.get(stream_id)
        ring = output.tracks[SOURCE].ring if output else None
        return ring.read(number) if ring else None

    @property
    def is_recording_failing(self) -> bool:
        return any(recorder.is_failing for recorder in self._recorders.values())

    async def take_over(self) -> None:
        """Take up what an earlier life of this origin has left: lost streams, unstored segments.

        Until the database answers, they can be watched by signed addresses only, and nobody is let
        in: what is new has to come after what is left.
        """
        found = self._shelf.kept()
        for stream_id in found:
            self._shelf.open(stream_id, is_private=True)
        while True:
            try:
                await self._take_over(found)
                self._desk.be_ready()
                return
            except (DatabaseError, InterfaceError) as error:
                log.warning("the database is away: %s", error)
                await asyncio.sleep(LOOK_EVERY)
            except Exception:
                # Nobody new is to be shut out for ever by what is left of something old.
                log.exception("what an earlier life has left can't be taken up")
                self._desk.be_ready()
                return

    async def _take_over(self, found: Sequence[UUID]) -> None:
        standings = await self._clerk.ask(queries.standings, found)
        recorded = {one: await self._clerk.ask(queries.recorded_until, one) for one in standings}
        for stream_id in found:
            standing = standings.get(stream_id)
            if standing is None or standing.is_erased:
                self._shelf.discard(stream_id)
                continue
            output = self._shelf.streams[stream_id]
            last_run = output.tracks[SOURCE].run
            # (A newer run is another origin's.)
            if standing.is_receiving and standing.run == last_run:
                self._clerk.tell(
                    services.publisher_went,
                    stream_id=stream_id,
                    run=last_run,
                    now=datetime.now(UTC),
                )
            self._desk.remember(stream_id, run=last_run)
            recorder = self.recorder(stream_id)
            for segment in _unstored(output, recorded[stream_id]):
                recorder.take(segment)
            self._apply(stream_id, standing)

    # Each second -------------------------------------------------------------------------------

    async def run(self) -> None:
        """Look once a second, until cancelled."""
        while True:
            began = time.monotonic()
            try:
                await self.look()
            except Exception:
                log.exception("the keeper failed")
            await asyncio.sleep(max(LOOK_EVERY - (time.monotonic() - began), 0.05))

    async def look(self) -> None:
        """Judge each publisher by its limits, and each stream by what the site says of it."""
        for intake in list(self._desk.present.values()):
            intake.look()
        stream_ids = set(self._shelf.streams) | set(self._desk.present)
        if not stream_ids:
            return
        try:
            # One that is only silent must not keep publishers from being judged by their limits.
            async with asyncio.timeout(ANSWERED_WITHIN):
                standings = await self._clerk.ask(queries.standings, stream_ids)
                await self._say_seen()
        except (DatabaseError, InterfaceError, TimeoutError) as error:
            if not self.is_database_away:
                log.warning("the database is away; what is on goes on: %r", error)
            self.is_database_away = True
            return
        if self.is_database_away:
            log.info("the database is back")
        self.is_database_away = False
        self.answered_at = time.monotonic()
        for stream_id in stream_ids:
            standing = standings.get(stream_id)
            if standing is None:
                # Its row was deleted by hand.
                self._forget(stream_id)
            else:
                self._apply(stream_id, standing)

    async def _say_seen(self) -> None:
        if time.monotonic() - self._seen_said < SAY_SEEN_EVERY or not self._desk.present:
            return
        runs = {intake.stream_id: intake.run for intake in self._desk.present.values()}
        await self._clerk.ask(services.say_seen, runs=runs, now=datetime.now(UTC))
        self._seen_said = time.monotonic()

    def _apply(self, stream_id: UUID, standing: Standing) -> None:
        output = self._shelf.streams.get(stream_id)
        if output is not None:
            output.is_private = standing.is_private
            if standing.on_air_from is not None:
                # What its host sent before was a preview.
                for track in output.tracks.values():
                    track.forget_before(standing.on_air_from.timestamp())
        self.recorder(stream_id).follow(standing)
        self._judge(stream_id, standing)
        if standing.is_erased:
            self._forget(stream_id)
        elif standing.is_closed and stream_id not in self._desk.present:
            self._end(stream_id, output)

    def _judge(self, stream_id: UUID, standing: Standing) -> None:
        intake = self._desk.present.get(stream_id)
        if intake is None or intake.is_ending:
            return
        if standing.is_closed:
            intake.end(Refusal("show_over"))
        elif standing.run > intake.run:
            intake.end(Refusal("replaced"))
        elif intake.key_rev is not None and standing.key_rev != intake.key_rev:
            intake.end(Refusal("key_changed"))
        elif intake.key_rev is not None and _is_moved(stream_id, standing):
            intake.end(Refusal("moved"))
        elif intake.is_shown and not standing.is_receiving and self._clerk.has_told_all:
            # It was taken for lost while we could not say that it goes on.
            self._clerk.tell(
                services.picture_started,
                stream_id=stream_id,
                run=intake.run,
                now=datetime.now(UTC),
            )

    def _end(self, stream_id: UUID, output: StreamOutput | None) -> None:
        """End the playlists; forget the stream when it is stored and was watched to its end."""
        if stream_id not in self._ended_at:
            self._ended_at[stream_id] = time.monotonic()
            if output is not None:
                output.close()
        is_over = time.monotonic() - self._ended_at[stream_id] > KEPT_AFTER_END
        if is_over and self._recorders[stream_id].is_done:
            self._forget(stream_id)

    def _forget(self, stream_id: UUID) -> None:
        intake = self._desk.present.get(stream_id)
        if intake is not None:
            intake.end(Refusal("show_over"))
            return
        recorder = self._recorders.pop(stream_id, None)
        if recorder is not None:
            recorder.close()
        self._ended_at.pop(stream_id, None)
        self._desk.forget(stream_id)
        self._shelf.discard(stream_id)

    async def close(self, *, patience: float) -> None:
        """Store what can be stored in that time; the rest is done after the next start."""
        await asyncio.gather(
            *(recorder.finish(patience=patience) for recorder in self._recorders.values())
        )
        for recorder in self._recorders.values():
            recorder.close()
        self._threads.shutdown(wait=False, cancel_futures=True)


def _is_moved(stream_id: UUID, standing: Standing) -> bool:
    """Whether an encoder's preview belongs to another show by now: it is rehearsed, or begins.

    What is on the air stays, wherever the key points.
    """
    is_preview = standing.on_air_from is None
    return is_preview and standing.key_target not in (None, stream_id)


def _unstored(output: StreamOutput, recorded: tuple[int, datetime] | None) -> list[ClosedSegment]:
    """Return the segments on disk that come after what is stored, without their bytes."""
    ring = output.tracks[SOURCE].ring
    if ring is None:
        return []
    found = []
    for one in ring.segments():
        if recorded is not None:
            first, until = recorded
            middle = one.date + one.duration / 2
            if one.number <= first or middle < until.timestamp():
                continue
        init = ring.read_init(one.init_name)
        if init is not None:
            found.append(
                ClosedSegment(
                    number=one.number,
                    run=one.run,
                    init_name=one.init_name,
                    init=init,
                    starts_at=one.date,
                    duration=one.duration,
                    is_discontinuity=one.is_discontinuity,
                    data=b"",
                )
            )
    return found
