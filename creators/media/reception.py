"""Who may send a picture: keys and signed addresses are judged here, one publisher per stream."""

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, Protocol, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, InterfaceError

from creators.media import access, queries, services
from creators.media.clerk import Clerk
from creators.media.formats import Format
from creators.media.hls.output import StreamOutput
from creators.media.intake import Limits, PictureIntake
from creators.media.models import Stream
from creators.media.publishing import Container, Refusal

log = logging.getLogger(__name__)

T = TypeVar("T")

# An encoder that is refused tries again and again: its creator is told once in a while.
TOLD_EVERY: Final = 10.0
# A publisher that is silent for so long may be replaced by another one.
SILENT_SECONDS: Final = 5.0
# The database has so long to say who may publish.
JUDGED_WITHIN: Final = 5.0
# More than any run has.
_SEGMENTS_A_MINUTE: Final = 120


def _pass(_answer: "asyncio.Future[Any]") -> None:
    """Nothing follows from an answer that comes too late."""


class OpenOutput(Protocol):
    """Returns where a stream's picture goes out, with all its renditions."""

    def __call__(self, stream_id: UUID, *, is_private: bool) -> StreamOutput: ...


class FrontDesk:
    """The reception of an origin, and the list of who is in."""

    def __init__(self, *, open_output: OpenOutput, clerk: Clerk) -> None:
        self.present: dict[UUID, PictureIntake] = {}
        self._open_output = open_output
        self._clerk = clerk
        self._is_open = True
        # Set once it is known what an earlier life of this origin has left.
        self._is_ready = asyncio.Event()
        self._turns: dict[UUID, asyncio.Lock] = {}
        self._told: dict[tuple[UUID, str], float] = {}
        # The last run of each stream that was served here.
        self._last_runs: dict[UUID, int] = {}
        self.limits = Limits(
            kbps=settings.STREAM_MAX_KBPS,
            pixels=settings.STREAM_MAX_PIXELS,
            minutes=settings.STREAM_MAX_MINUTES,
        )

    async def by_key(self, key: str, *, address: str) -> PictureIntake:
        """Let in an encoder (FLV) by its stream key.

        :raises Refusal: unknown_key, no_show, already_publishing, unavailable
        """
        known = await self._ask(lambda: queries.key_like(key))
        if known is None:
            log.info("%s came with a key that nobody has", address)
            raise Refusal("unknown_key")
        stream = known.target
        if stream is None or not stream.is_open:
            raise Refusal("no_show")
        return await self._let_in(stream, Stream.Source.RTMP, "flv", address, key_rev=known.rev)

    async def by_token(
        self, stream_id: UUID, token: str, *, container: Container, address: str
    ) -> PictureIntake:
        """Let in a browser's camera by a signed address.

        :raises Refusal: bad_token, no_show, already_publishing, unavailable
        """
        if not access.is_valid(token, stream_id, purpose="publish", now=datetime.now(UTC)):
            raise Refusal("bad_token")
        stream = await self._ask(lambda: Stream.objects.filter(pk=stream_id).first())
        if stream is None or not stream.is_open:
            raise Refusal("no_show")
        return await self._let_in(stream, Stream.Source.BROWSER, container, address)

    def be_ready(self) -> None:
        """Let those in who wait for it."""
        self._is_ready.set()

    def remember(self, stream_id: UUID, *, run: int) -> None:
        """Take note of the last run that an earlier life of this origin had."""
        self._last_runs[stream_id] = run

    def forget(self, stream_id: UUID) -> None:
        """Keep nothing of a stream that is closed."""
        self._turns.pop(stream_id, None)
        self._last_runs.pop(stream_id, None)
        self._told = {what: at for what, at in self._told.items() if what[0] != stream_id}

    async def close(self) -> None:
        """Let nobody in any more, and let all go; what they sent is put on the tracks."""
        self._is_open = False
        for intake in list(self.present.values()):
            intake.end(None)
        await asyncio.gather(*(intake.over() for intake in list(self.present.values())))

    async def _ask(
        self, question: Callable[[], T], *, too_late: "Callable[[asyncio.Future[T]], None]" = _pass
    ) -> T:
        """Ask the database; `too_late` gets its answer when nobody waits for that any more."""
        if not self._is_open:
            raise Refusal("unavailable")
        try:
            async with asyncio.timeout(JUDGED_WITHIN):
                await self._is_ready.wait()
                asking = asyncio.ensure_future(self._clerk.ask(question))
                try:
                    return await asyncio.shield(asking)
                except asyncio.CancelledError:
                    asking.add_done_callback(too_late)
                    raise
        except (DatabaseError, InterfaceError, TimeoutError) as error:
            log.warning("a publisher can't be judged: %r", error)
            raise Refusal("unavailable") from error

    async def _let_in(
        self,
        stream: Stream,
        source: Stream.Source,
        form: Format,
        address: str,
        *,
        key_rev: int | None = None,
    ) -> PictureIntake:
        async with self._turns.setdefault(stream.pk, asyncio.Lock()):
            try:
                await self._make_way(stream.pk)
                run = await self._ask(
                    # (The last run of now: the question may be put late.)
                    partial(self._come, stream.pk, source, self._last_runs.get(stream.pk)),
                    too_late=partial(self._undo, stream.pk),
                )
            except Refusal as refusal:
                self._tell_refused(stream.pk, refusal)
                raise
            if not self._is_open:
                self._clerk.tell(
                    services.publisher_went, stream_id=stream.pk, run=run, now=datetime.now(UTC)
                )
                raise Refusal("unavailable")
            output = self._open_output(stream.pk, is_private=stream.is_private)
            if self._last_runs.get(stream.pk, 0) != run - 1:
                # Another origin had it before, or what this one had on its disk is lost.
                for track in output.tracks.values():
                    track.begin_at((run - 1) * self.limits.minutes * _SEGMENTS_A_MINUTE)
            intake = PictureIntake(
                stream_id=stream.pk,
                run=run,
                source=source,
                form=form,
                tracks=output.tracks,
                limits=self.limits,
                on_picture=self._show,
                on_end=self._leave,
                key_rev=key_rev,
            )
            self.present[stream.pk] = intake
            self._last_runs[stream.pk] = run
            log.info("stream %s run %d: %s from %s", stream.pk, run, source, address)
            return intake

    async def _make_way(self, stream_id: UUID) -> None:
        """Wait until a publisher that is going has gone, and end one that is silent.

        :raises Refusal: already_publishing
        """
        intake = self.present.get(stream_id)
        if intake is None:
            return
        if not intake.is_ending:
            if time.monotonic() - intake.meter.last_bytes < SILENT_SECONDS:
                raise Refusal("already_publishing")
            intake.end(Refusal("replaced"))
        await intake.over()

    def _undo(self, stream_id: UUID, coming: "asyncio.Future[int]") -> None:
        """Tell of who gave up, or was given up, while it was being entered that it came."""
        if not coming.cancelled() and coming.exception() is None:
            self._clerk.tell(
                services.publisher_went,
                stream_id=stream_id,
                run=coming.result(),
                now=datetime.now(UTC),
            )

    def _come(self, stream_id: UUID, source: Stream.Source, after_run: int | None) -> int:
        try:
            return services.publisher_came(
                stream_id=stream_id,
                source=source,
                now=datetime.now(UTC),
                after_run=after_run,
            )
        except services.NotOpen:
            raise Refusal("no_show") from None
        except services.PublishingAlready:
            raise Refusal("already_publishing") from None

    def _show(self, intake: PictureIntake) -> None:
        self._clerk.tell(
            services.picture_started,
            stream_id=intake.stream_id,
            run=intake.run,
            now=datetime.now(UTC),
        )

    def _leave(self, intake: PictureIntake, why: Refusal | None) -> None:
        if self.present.get(intake.stream_id) is intake:
            del self.present[intake.stream_id]
        self._clerk.tell(
            services.publisher_went,
            stream_id=intake.stream_id,
            run=intake.run,
            now=datetime.now(UTC),
        )
        if why is not None and why.code not in ("show_over", "replaced", "moved"):
            self._tell_refused(intake.stream_id, why)

    def _tell_refused(self, stream_id: UUID, refusal: Refusal) -> None:
        what, at = (stream_id, refusal.code), time.monotonic()
        if at - self._told.get(what, -TOLD_EVERY) < TOLD_EVERY:
            return
        self._told[what] = at
        self._clerk.tell(
            services.publisher_refused,
            stream_id=stream_id,
            code=refusal.code,
            now=datetime.now(UTC),
        )
