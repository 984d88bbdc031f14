"""How a publisher's picture comes in: bitrate, frames, what is missing, how late it is."""

from collections import deque
from statistics import median
from typing import Final

# Bitrate and frame rate are means over so many seconds.
WINDOW_S: Final = 5
WARN_ABOVE: Final = 1.25
CUT_ABOVE: Final = 1.6
CUT_AFTER_S: Final = 10
# Longer ones make viewers wait for their first picture, and the lag grow.
LONG_KEY_INTERVAL_S: Final = 2.5
_INTERVALS: Final = 60


class Meter:
    """Counts what comes; all times are seconds of a clock that never goes back."""

    def __init__(self, *, max_kbps: int, at: float) -> None:
        self._max_kbps = max_kbps
        self._began = at
        self._bytes: deque[tuple[int, int]] = deque()
        self._frames: deque[tuple[int, int]] = deque()
        self._excess_since: float | None = None
        self._intervals: deque[float] = deque(maxlen=_INTERVALS)
        self._last_start: float | None = None
        self._last_frames = 0
        self._last_key: float | None = None
        self._least_delay: float | None = None
        self.last_bytes = at
        self.last_picture: float | None = None
        self.total_bytes = 0
        self.total_frames = 0
        # Frames that the encoder or its network left out, by the gaps in their times.
        self.dropped = 0
        self.late_ms = 0
        self.key_interval_s: float | None = None

    def took(self, count: int, *, at: float) -> None:
        """Count bytes of the publisher."""
        self.last_bytes = at
        self.total_bytes += count
        _count(self._bytes, count, at)

    def saw(self, *, start: float, duration: float, frames: int, is_key: bool, at: float) -> None:
        """Count pictures that came out of ffmpeg: `start` and `duration` are media time."""
        if not frames:
            return
        self.last_picture = at
        self.total_frames += frames
        _count(self._frames, frames, at)
        delay = at - start - duration
        self._least_delay = delay if self._least_delay is None else min(self._least_delay, delay)
        self.late_ms = round((delay - self._least_delay) * 1000)
        if self._last_start is not None and self._last_frames:
            self._note_interval((start - self._last_start) / self._last_frames, self._last_frames)
        self._last_start, self._last_frames = start, frames
        if is_key:
            if self._last_key is not None:
                self.key_interval_s = round(start - self._last_key, 2)
            self._last_key = start

    def _note_interval(self, interval: float, frames: int) -> None:
        if len(self._intervals) >= _INTERVALS // 2:
            usual = median(self._intervals)
            if usual > 0 and interval > 1.5 * usual:
                self.dropped += round(interval * frames / usual) - frames
        self._intervals.append(interval)

    def _rate(self, counts: deque[tuple[int, int]], at: float) -> float:
        """Return the mean per second over the window's whole seconds."""
        last = int(at)
        first = max(last - WINDOW_S, int(self._began))
        total = sum(count for second, count in counts if first <= second < last)
        return total / (last - first) if last > first else 0.0

    def kbps(self, *, at: float) -> int:
        return round(self._rate(self._bytes, at) * 8 / 1000)

    def fps(self, *, at: float) -> float:
        return round(self._rate(self._frames, at), 1)

    def is_above(self, *, at: float) -> bool:
        """Tell whether it sends clearly more than it may."""
        return self.kbps(at=at) > self._max_kbps * WARN_ABOVE

    def must_be_cut(self, *, at: float) -> bool:
        """Tell whether it has sent far more than it may for too long; ask about each second."""
        if self.kbps(at=at) <= self._max_kbps * CUT_ABOVE:
            self._excess_since = None
            return False
        if self._excess_since is None:
            self._excess_since = at
        return at - self._excess_since >= CUT_AFTER_S


def _count(counts: deque[tuple[int, int]], count: int, at: float) -> None:
    second = int(at)
    if counts and counts[-1][0] == second:
        counts[-1] = (second, counts[-1][1] + count)
    else:
        counts.append((second, count))
        while counts[0][0] < second - WINDOW_S - 1:
            counts.popleft()
