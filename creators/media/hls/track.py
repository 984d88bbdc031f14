"""One rendition as players see it: a window of its timeline, a playlist, and who waits for more."""

import gzip
import math
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from creators.media.hls.movie import Init
from creators.media.hls.playlist import Content, Part, Segment, Targets, render
from creators.media.hls.ring import Ring
from creators.media.hls.timeline import Timeline
from creators.media.hls.waiting import Waiting

# How many seconds the playlist tells of; a segment that left it can be had as long again.
WINDOW = 24.0
# After a restart, parts that were sent but not written anywhere have numbers below these.
PARTS_LOST = 100
_PARTS_A_SEGMENT = 10


class TooFar(Exception):
    """What is asked for lies too far in the future (RFC 8216bis, 6.2.5.2)."""


@dataclass(frozen=True, slots=True)
class ClosedSegment:
    """A whole segment, for who keeps it. `starts_at` is a Unix time, `duration` seconds."""

    number: int
    run: int
    init_name: str
    init: bytes
    starts_at: float
    duration: float
    is_discontinuity: bool
    data: bytes


@dataclass(frozen=True, slots=True)
class Rendered:
    """A playlist's bytes, plain and compressed, made once for all who ask."""

    body: bytes
    gzipped: bytes
    # The heads of replies with it, by whether they are compressed.
    heads: dict[bool, bytes] = field(default_factory=dict, compare=False)


class Track(Timeline):
    """Takes one rendition's runs; all calls come from one thread.

    `on_segment` is called with each segment as it is closed, on the loop: it must be quick.
    """

    def __init__(
        self,
        name: str = "source",
        *,
        ring: Ring | None = None,
        on_segment: Callable[[ClosedSegment], None] | None = None,
        most_waiters: int = 20_000,
    ) -> None:
        super().__init__()
        self.name = name
        self.ring = ring
        self.on_segment = on_segment
        self.init: Init | None = None
        self.is_ended = False
        # Bits a second of the last segment, and of the largest.
        self.bitrate = 0
        self.peak_bitrate = 0
        self._inits: dict[str, bytes] = {}
        self._closed: deque[Segment] = deque()
        self._gone: deque[Segment] = deque()
        self._window = 0.0
        self._parts: dict[int, bytes] = {}
        self._rendered: dict[bool, Rendered] = {}
        self.playlist_waiters: Waiting[tuple[int, int]] = Waiting(most=most_waiters, hold=6.0)
        self.part_waiters: Waiting[int] = Waiting(most=most_waiters, hold=6.0)
        if ring is not None:
            self._restore(ring)

    # What comes in; fragments are the timeline's -----------------------------------------------

    def begin_run(self, run: int, init: Init) -> None:
        """Take a (new) publisher's init; what follows is a discontinuity."""
        if self.is_ended:
            return
        self.end_run()
        self.run, self.init = run, init
        name = f"init-{run}.mp4"
        count = 1
        while self._inits.get(name, init.data) != init.data:
            count += 1
            name = f"init-{run}-{count}.mp4"
        self._init_name = name
        if name not in self._inits:
            self._inits[name] = init.data
            if self.ring is not None:
                self.ring.init(name, init.data)
        self.is_running = True
        self._begin_anew()

    def end_run(self) -> None:
        """Close what is open: the publisher went."""
        if self.is_running:
            super().end_run()
            self._changed()

    def begin_at(self, number: int) -> None:
        """Number segments from there on, if none has a number yet: lower ones were told before.

        Who keeps pieces by their names (caches, recordings) would take new ones for the old.
        """
        if not (self._next_segment or self._next_part or self.is_running or self.is_ended):
            self._next_segment = number
            self._next_part = number * _PARTS_A_SEGMENT

    def close(self) -> None:
        """End the playlist for good."""
        self.end_run()
        self.is_ended = True
        if self.ring is not None:
            self.ring.ended()
        self._changed()
        self.part_waiters.release(lambda _: True)

    # What players ask for ----------------------------------------------------------------------

    @property
    def is_published(self) -> bool:
        """Whether there is a playlist already."""
        return bool(self._closed) or bool(self._parts_of_open())

    @property
    def hint(self) -> int:
        """The number of the part to come."""
        return self._next_part

    def playlist(self, *, is_delta: bool = False) -> Rendered:
        """Return the playlist of now; only when `is_published`."""
        rendered = self._rendered.get(is_delta)
        if rendered is None:
            body = render(self._content(), is_delta=is_delta).encode()
            rendered = self._rendered[is_delta] = Rendered(body, gzip.compress(body, 1, mtime=0))
        return rendered

    def awaited(self, number: int, part: int | None) -> tuple[int, int] | None:
        """Return what to wait for so that the playlist has a segment, or a part of it; or None.

        :raises TooFar: nobody may ask for that yet
        """
        if self.is_ended:
            return None
        if number > self._next_segment + 1:
            raise TooFar
        if part is not None and self.targets is not None:
            most = math.ceil(self.targets.segment / self.targets.part) + 2
            if number >= self._next_segment and part > len(self._parts_of_open()) + most:
                raise TooFar
        key = (number, -1 if part is None else part)
        return None if self._has(key) else key

    async def wait(self, number: int, part: int | None) -> bool:
        """Hold until the playlist has that segment, or that part of it; False: it took too long.

        :raises TooFar: nobody may ask for that yet
        :raises TooMany: too many wait
        """
        key = self.awaited(number, part)
        return key is None or await self.playlist_waiters.wait(key)

    def segment(self, number: int) -> bytes | None:
        """Return a segment that players may still ask for."""
        for kept in (self._closed, self._gone):
            if kept and kept[0].number <= number <= kept[-1].number:
                return kept[number - kept[0].number].data
        return None

    def part(self, number: int) -> bytes | None:
        return self._parts.get(number)

    def is_hinted(self, number: int) -> bool:
        """Whether a part is the one to come."""
        return number == self._next_part and self.is_running and number not in self._parts

    async def wait_part(self, number: int) -> bytes | None:
        """Return a part, and hold for the one that was hinted.

        :raises TooMany: too many wait
        """
        if self.is_hinted(number):
            await self.part_waiters.wait(number)
        return self._parts.get(number)

    def init_bytes(self, name: str) -> bytes | None:
        return self._inits.get(name)

    def kept(self, *, since: int = 0) -> Iterator[ClosedSegment]:
        """Read whole segments from the ring, oldest first: what may not have been stored yet."""
        if self.ring is not None:
            for one in self.ring.segments(since=since):
                init = self.ring.read_init(one.init_name)
                data = self.ring.read(one.number)
                if init is not None and data is not None:
                    yield ClosedSegment(
                        one.number,
                        one.run,
                        one.init_name,
                        init,
                        one.date,
                        one.duration,
                        one.is_discontinuity,
                        data,
                    )

    def newest_picture(self) -> bytes | None:
        """Return the newest whole segment that begins with a key frame, its init before it."""
        for one in reversed(self._closed):
            if one.is_independent:
                return self._inits[one.init_name] + one.data
        return None

    # The window --------------------------------------------------------------------------------

    def _began(self, targets: Targets) -> None:
        self._hold_for(targets)
        if self.ring is not None:
            self.ring.targets(targets)

    def _hold_for(self, targets: Targets) -> None:
        # RFC 8216bis, 6.2.5.2: no longer than three target durations.
        self.playlist_waiters.hold = self.part_waiters.hold = 3.0 * targets.segment

    def _has_part(self, segment: Segment, part: Part) -> None:
        self._parts[part.number] = part.data
        if self.ring is not None:
            self.ring.part(segment, part)
        self._changed()

    def _has_segment(self, segment: Segment) -> None:
        self.bitrate = int(len(segment.data) * 8 / segment.duration)
        # A key frame alone, at the end of a run, says nothing of what a network must carry.
        if segment.duration >= 0.5:
            self.peak_bitrate = max(self.peak_bitrate, self.bitrate)
        self._closed.append(segment)
        self._window += segment.duration
        self._let_go()
        if self.ring is not None:
            self.ring.closed(segment)
        if self.on_segment is not None:
            self.on_segment(self._as_closed(segment))
        self._changed()

    def _let_go(self) -> None:
        """Drop what is older than the window, and in the end than twice the window."""
        assert self.targets is not None  # noqa: S101
        window = max(WINDOW, 2.0 * self.targets.skip_until)
        while self._window - self._closed[0].duration > window:
            old = self._closed.popleft()
            self._window -= old.duration
            self._gone.append(old)
        while self._gone and sum(one.duration for one in self._gone) > window:
            self._gone.popleft()
        # Parts are asked for while they are told of, and a little longer.
        told = 0.0
        for one in reversed(self._closed):
            if told > 6 * self.targets.segment and one.parts:
                for part in one.parts:
                    self._parts.pop(part.number, None)
                one.parts = []
            told += one.duration
        self._drop_inits()

    def forget_before(self, instant: float) -> None:
        """Show nothing any more that came before an instant: it was for its publisher alone.

        The last three target durations stay until newer ones are there (RFC 8216, 6.2.2).
        """
        if self.targets is None or self.is_ended:
            return
        while self._gone and self._gone[0].date < instant:
            self._gone.popleft()
        least, has_changed = 3.0 * self.targets.segment, False
        while self._closed and self._closed[0].date + self._closed[0].duration <= instant:
            old = self._closed[0]
            if self._window - old.duration < least:
                break
            self._closed.popleft()
            self._window -= old.duration
            for part in old.parts:
                self._parts.pop(part.number, None)
            has_changed = True
        if has_changed:
            self._drop_inits()
            self._changed()

    def _drop_inits(self) -> None:
        used = {one.init_name for kept in (self._gone, self._closed) for one in kept}
        for name in [name for name in self._inits if name not in used]:
            if name != self._init_name:
                del self._inits[name]

    def _as_closed(self, one: Segment) -> ClosedSegment:
        return ClosedSegment(
            one.number,
            one.run,
            one.init_name,
            self._inits[one.init_name],
            one.date,
            one.duration,
            one.is_discontinuity,
            one.data,
        )

    def _restore(self, ring: Ring) -> None:
        """Go on where the ring ends; a run that begins now is a discontinuity."""
        found = ring.load()
        if found.targets is not None:
            self.targets = found.targets
            self._hold_for(found.targets)
        self._next_segment = found.next_segment
        self._discontinuities = found.discontinuities
        self._next_part = found.next_part + (PARTS_LOST if found.next_part else 0)
        self.is_ended = found.is_ended
        self._is_new = True
        kept: list[Segment] = []
        length = 0.0
        for one in reversed(found.segments):
            data = ring.read(one.number)
            init = ring.read_init(one.init_name)
            if length > WINDOW or data is None or init is None:
                break
            one.data = data
            self._inits[one.init_name] = init
            kept.append(one)
            length += one.duration
        self._closed = deque(reversed(kept))
        self._window = length
        if kept:
            self.run = kept[0].run
            self._last_end = kept[0].date + kept[0].duration

    # What is told ------------------------------------------------------------------------------

    def _parts_of_open(self) -> list[Part]:
        return self._open.parts if self._open is not None else []

    def _has(self, key: tuple[int, int]) -> bool:
        """Whether the playlist tells of that part, of what follows it, or of the whole segment."""
        number, part = key
        if self.is_ended or number < self._next_segment - 1:
            return True
        if part < 0:
            return number < self._next_segment
        if number == self._next_segment:
            return part < len(self._parts_of_open())
        if number == self._next_segment - 1:
            # A part that the closed segment does not have: the first of the next is meant.
            last = self._closed[-1] if self._closed else None
            return bool(self._parts_of_open()) or last is None or part < len(last.parts)
        return False

    def _content(self) -> Content:
        assert self.targets is not None  # noqa: S101
        opened = self._open if self._parts_of_open() else None
        oldest = self._closed[0] if self._closed else opened
        return Content(
            targets=self.targets,
            segments=self._closed,
            open=opened,
            first=oldest.number if oldest else self._next_segment,
            discontinuities=oldest.discontinuities if oldest else self._discontinuities,
            hint=self._next_part if self.is_running else None,
            is_ended=self.is_ended,
        )

    def _changed(self) -> None:
        self._rendered.clear()
        if self.is_published:
            self.playlist_waiters.release(self._has)
        self.part_waiters.release(lambda number: number < self._next_part)
