"""One rendition's timeline: fragments become parts and segments, and a playlist tells of them.

Parts are collected from the fragments, whatever the size that ffmpeg cuts them in: all last at
most the part target, and at least 85 % of it unless they end a segment. Segments begin with key
frames, about one second apart; when a publisher has none for longer than the target, a segment is
cut without one (and the playlist no longer says that all are independent). Both targets are chosen
when the first key frame interval is known and stay for the life of the playlist.
"""

import gzip
import math
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from creators.media.hls.clock import ArrivalClock
from creators.media.hls.cutter import Fragment, Init
from creators.media.hls.fragments import join
from creators.media.hls.playlist import Content, Part, Segment, Targets, render
from creators.media.hls.ring import Ring
from creators.media.hls.waiting import Waiting

# A part of 0.28 s holds whole frames, and no less than 85 %, at 12, 15, 20, 24, 25, 30, 50, 60 a
# second.
PART = 0.28
# Rounding makes a segment this much longer than its target still right.
SLACK = 0.45
# Media time that jumps by more begins anew.
JUMP = 0.5
# How many seconds the playlist tells of; a segment that left it can be had as long again.
WINDOW = 24.0
# After a restart, parts that were sent but not written anywhere have numbers below these.
PARTS_LOST = 100
MOST_LOOSE = 200
_TINY = 1e-6


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


class Track:
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
        self.name = name
        self.ring = ring
        self.on_segment = on_segment
        self.targets: Targets | None = None
        self.init: Init | None = None
        self.run = 0
        self.is_running = False
        self.is_ended = False
        # Health: pictures taken, the bits a second of the last and of the largest segment.
        self.frames = 0
        self.bitrate = 0
        self.peak_bitrate = 0
        self._inits: dict[str, bytes] = {}
        self._init_name = ""
        self._next_segment = 0
        self._next_part = 0
        self._closed: deque[Segment] = deque()
        self._gone: deque[Segment] = deque()
        self._window = 0.0
        self._open: Segment | None = None
        self._parts: dict[int, bytes] = {}
        self._discontinuities = 0
        self._is_new = False
        self._pending: list[Fragment] = []
        # Of the part that is being collected: its fragments, its length, its first time.
        self._loose: list[Fragment] = []
        self._length = 0.0
        self._segment_start = 0.0
        self._expected: float | None = None
        self._key_interval = 0.0
        self._last_key: float | None = None
        self._clock = ArrivalClock()
        self._last_end = 0.0
        self._rendered: dict[bool, Rendered] = {}
        self.playlist_waiters: Waiting[tuple[int, int]] = Waiting(most=most_waiters, hold=6.0)
        self.part_waiters: Waiting[int] = Waiting(most=most_waiters, hold=6.0)
        if ring is not None:
            self._restore(ring)

    # What comes in -----------------------------------------------------------------------------

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

    def add(self, fragment: Fragment, *, at: float) -> None:
        """Take the next fragment of the run, which was whole at a Unix time."""
        if not self.is_running:
            return
        if fragment.frames:
            self.frames += fragment.frames
            if self._expected is not None and abs(fragment.start - self._expected) > JUMP:
                self._finish_segment()
                self._loose = []
                self._begin_anew()
            self._clock.note(fragment.start + fragment.duration, at=at)
            self._expected = fragment.start + fragment.duration
        if self.targets is not None:
            self._take(fragment)
            return
        self._pending.append(fragment)
        self._decide(fragment)

    def end_run(self) -> None:
        """Close what is open: the publisher went."""
        if not self.is_running:
            return
        self._finish_segment()
        self._loose = []
        self.is_running = False
        self._changed()

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

    # The timeline ------------------------------------------------------------------------------

    def _begin_anew(self) -> None:
        self._is_new = True
        self._expected = self._last_key = None
        self._key_interval = 0.0
        self._clock = ArrivalClock(not_before=self._last_end)

    def _decide(self, fragment: Fragment) -> None:
        """Choose both targets once the first key frame interval is known, then begin."""
        timed = [one for one in self._pending if one.frames]
        if not timed:
            if len(self._pending) > 1000:
                del self._pending[:]
            return
        elapsed = fragment.start - timed[0].start if fragment.frames else 0.0
        is_key = fragment.is_independent and elapsed >= 0.9 * 1
        if is_key or elapsed + fragment.duration > 1 + SLACK:
            self._publish(1 if is_key and elapsed <= 1 + SLACK else 2)

    def _publish(self, segment_target: int) -> None:
        timed = [one for one in self._pending if one.frames]
        frame = sum(one.duration for one in timed) / max(sum(one.frames for one in timed), 1)
        part = PART
        if frame > 0.15 * PART and math.floor(PART / frame + _TINY) * frame < 0.85 * PART:
            part = min(math.ceil(1020 * frame * math.ceil(0.85 * PART / frame)) / 1000, 1.0)
        self._set_targets(Targets(segment_target, part))
        if self.ring is not None:
            self.ring.targets(Targets(segment_target, part))
        pending, self._pending = self._pending, []
        for one in pending:
            self._take(one)

    def _set_targets(self, targets: Targets) -> None:
        self.targets = targets
        self.playlist_waiters.hold = self.part_waiters.hold = 3.0 * targets.segment

    def _take(self, fragment: Fragment) -> None:
        assert self.targets is not None  # noqa: S101
        if not fragment.frames:
            # Sound alone waits for the picture that it is sent with, but not for ever.
            self._loose.append(fragment)
            if not self._length and len(self._loose) > MOST_LOOSE:
                del self._loose[0]
            return
        if fragment.is_independent:
            if self._last_key is not None:
                self._key_interval = fragment.start - self._last_key
            self._last_key = fragment.start
            if self._is_cut_due(fragment.start):
                self._finish_segment(fragment.start)
        if self._length and self._length + fragment.duration > self.targets.part + _TINY:
            self._finish_part()
        if not self._length:
            self._open_part(fragment)
        self._loose.append(fragment)
        self._length += fragment.duration
        # The next frame is taken to be as long as this one: nothing is held back for it.
        if self._length + fragment.duration / fragment.frames > self.targets.part + _TINY:
            self._finish_part()

    def _is_cut_due(self, start: float) -> bool:
        """Whether the open segment ends before the key frame that is decoded at `start`."""
        if self.targets is None or (self._open is None and not self._length):
            return False
        so_far = start - self._segment_start
        return so_far >= 0.9 or so_far + self._key_interval > self.targets.segment + SLACK

    def _open_part(self, fragment: Fragment) -> None:
        """Begin a part; and a segment, when none is open or the open one has no room left."""
        assert self.targets is not None  # noqa: S101
        so_far = fragment.start - self._segment_start
        needed = max(self.targets.part, fragment.duration)
        if self._open is not None and so_far + needed > self.targets.segment + SLACK:
            loose, self._loose = self._loose, []
            self._finish_segment(fragment.start)
            self._loose = loose
        if self._open is None:
            self._segment_start = fragment.start
            is_discontinuity = self._is_new and self._next_segment > 0
            self._is_new = False
            self._open = Segment(
                number=self._next_segment,
                run=self.run,
                init_name=self._init_name,
                date=self._clock.date(fragment.start),
                is_discontinuity=is_discontinuity,
                is_independent=fragment.is_independent,
                discontinuities=self._discontinuities,
            )
            self._discontinuities += is_discontinuity

    def _finish_part(self) -> None:
        if not self._length or self._open is None or self.targets is None:
            return
        lead = next(one for one in self._loose if one.frames)
        part = Part(
            number=self._next_part,
            duration=min(self._length, self.targets.part),
            is_independent=lead.is_independent,
            data=join(self._loose, sequence=self._next_part + 1),
        )
        self._next_part += 1
        self._loose, self._length = [], 0.0
        self._open.parts.append(part)
        self._parts[part.number] = part.data
        if self.ring is not None:
            self.ring.part(self._open, part)
        self._changed()

    def _finish_segment(self, until: float | None = None) -> None:
        """Close the open segment; `until` is when the next one begins, if that is known."""
        if self.targets is None:
            self._give_up_pending()
        self._finish_part()
        segment, self._open = self._open, None
        if segment is None or self.targets is None:
            return
        told = sum(part.duration for part in segment.parts)
        passed = told if until is None else until - self._segment_start
        # Frames that were lost on the way count; a clock that went back does not.
        segment.duration = min(passed if passed > told / 2 else told, self.targets.segment + 0.49)
        segment.data = b"".join(part.data for part in segment.parts)
        self._next_segment = segment.number + 1
        self._last_end = segment.date + segment.duration
        self.bitrate = int(len(segment.data) * 8 / segment.duration)
        self.peak_bitrate = max(self.peak_bitrate, self.bitrate)
        self._closed.append(segment)
        self._window += segment.duration
        self._let_go()
        if self.ring is not None:
            self.ring.closed(segment)
        if self.on_segment is not None:
            self.on_segment(self._as_closed(segment))
        self._changed()

    def _give_up_pending(self) -> None:
        """The run ends, or its clock jumps, before its key frame interval was known."""
        timed = [one for one in self._pending if one.frames]
        if timed:
            length = timed[-1].start + timed[-1].duration - timed[0].start
            self._publish(1 if length <= 1 + SLACK else 2)

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
            self._set_targets(found.targets)
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
