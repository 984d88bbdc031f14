"""Fragments into parts and segments: the building of one rendition's timeline.

Parts are collected from the fragments, whatever the size that ffmpeg cuts them in: all last at
most the part target, and at least 85 % of it unless they end a segment. Segments begin with key
frames, about one second apart; when a publisher has none for longer than the target, a segment is
cut without one (and the playlist no longer says that all are independent). Both targets are chosen
when the first key frame interval is known and stay for the life of the playlist.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import replace

from creators.media.hls.clock import ArrivalClock
from creators.media.hls.fragments import join
from creators.media.hls.movie import Fragment
from creators.media.hls.playlist import Part, Segment, Targets

# A part of 0.28 s holds whole frames, and no less than 85 %, at 12, 15, 20, 24, 25, 30, 50, 60 a
# second.
PART = 0.28
# Rounding makes a segment this much longer than its target still right.
SLACK = 0.45
# Media time that jumps by more begins anew.
JUMP = 0.5
# A frame that claims to last nothing would never fill a part.
SHORTEST = 0.001
MOST_LOOSE = 200
_TINY = 1e-6


class Timeline(ABC):
    """Takes the fragments of runs. `_began`, `_has_part` and `_has_segment` are its results."""

    def __init__(self) -> None:
        self.targets: Targets | None = None
        self.run = 0
        self.is_running = False
        # Pictures taken.
        self.frames = 0
        self._init_name = ""
        self._next_segment = 0
        self._next_part = 0
        self._open: Segment | None = None
        self._discontinuities = 0
        self._last_end = 0.0
        self._is_new = False
        # What came before the targets were known.
        self._pending: list[Fragment] = []
        # Of the part that is being collected: its fragments and its length.
        self._loose: list[Fragment] = []
        self._length = 0.0
        self._segment_start = 0.0
        self._expected: float | None = None
        self._key_interval = 0.0
        self._last_key: float | None = None
        self._clock = ArrivalClock()

    @abstractmethod
    def _began(self, targets: Targets) -> None:
        """The targets are chosen."""

    @abstractmethod
    def _has_part(self, segment: Segment, part: Part) -> None:
        """The open segment has one more part."""

    @abstractmethod
    def _has_segment(self, segment: Segment) -> None:
        """The open segment is whole."""

    def add(self, fragment: Fragment, *, at: float) -> None:
        """Take the next fragment of the run, which was whole at a Unix time."""
        if not self.is_running:
            return
        if fragment.frames:
            if fragment.duration < SHORTEST:
                fragment = replace(fragment, duration=SHORTEST)
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
        self._drop_remnant()
        self._finish_segment()
        self._loose = []
        self.is_running = False

    def _drop_remnant(self) -> None:
        """Forget less than a part after a jump: players trip over it, and nobody sees it.

        Encoders that are cut off leave such a last frame at times.
        """
        if self._open is not None and self._open.is_discontinuity and not self._open.parts:
            self._discontinuities -= 1
            self._open, self._length = None, 0.0

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
        told = sum(one.duration for one in timed) - fragment.duration
        elapsed = max(fragment.start - timed[0].start, told) if fragment.frames else 0.0
        is_key = fragment.is_independent and elapsed >= 0.9 * 1
        if is_key or elapsed + fragment.duration > 1 + SLACK:
            self._publish(1 if is_key and elapsed <= 1 + SLACK else 2)

    def _publish(self, segment_target: int) -> None:
        timed = [one for one in self._pending if one.frames]
        frame = sum(one.duration for one in timed) / max(sum(one.frames for one in timed), 1)
        part = PART
        if frame > 0.15 * PART and math.floor(PART / frame + _TINY) * frame < 0.85 * PART:
            part = min(math.ceil(1020 * frame * math.ceil(0.85 * PART / frame)) / 1000, 1.0)
        self.targets = Targets(segment_target, part)
        self._began(self.targets)
        pending, self._pending = self._pending, []
        for one in pending:
            self._take(one)

    def _take(self, fragment: Fragment) -> None:
        assert self.targets is not None  # noqa: S101
        if not fragment.frames:
            # Sound alone waits for the picture that it is sent with, but not for ever.
            self._loose.append(fragment)
            if len(self._loose) > MOST_LOOSE:
                self._finish_part()
                del self._loose[:1]
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
        so_far = self._so_far(start)
        return so_far >= 0.9 or so_far + self._key_interval > self.targets.segment + SLACK

    def _so_far(self, start: float) -> float:
        """Return how long the open segment is, for a frame at `start`; clocks may stand still."""
        told = self._open.so_far if self._open is not None else 0.0
        return max(start - self._segment_start, told + self._length)

    def _open_part(self, fragment: Fragment) -> None:
        """Begin a part; and a segment, when none is open or the open one has no room left."""
        assert self.targets is not None  # noqa: S101
        so_far = self._so_far(fragment.start)
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
        self._has_part(self._open, part)

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
        self._has_segment(segment)

    def _give_up_pending(self) -> None:
        """The run ends, or its clock jumps, before its key frame interval was known."""
        timed = [one for one in self._pending if one.frames]
        if timed:
            length = timed[-1].start + timed[-1].duration - timed[0].start
            self._publish(1 if length <= 1 + SLACK else 2)
