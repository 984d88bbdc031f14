"""When a picture was there: media time to wall clock, by when its bytes arrived."""

from collections import deque

# The least delay is looked for in this many seconds of arrivals, kept in buckets.
_BUCKET = 10.0
_BUCKETS = 6
# How far dates may move against media time: a late start is made good, a drift is followed.
EARLIER_PER_SECOND = 0.05
LATER_PER_SECOND = 0.002


class ArrivalClock:
    """Dates for one run of media time.

    A picture cannot arrive before it was taken, so the least of (arrival - media time) is nearest
    to the truth; a network that stutters only adds to it. Dates follow that least slowly: they
    neither jump nor go back, and an encoder whose clock goes wrong by some parts in a thousand is
    followed.
    """

    def __init__(self, *, not_before: float = 0.0) -> None:
        self._not_before = not_before
        self._least: deque[tuple[float, float]] = deque(maxlen=_BUCKETS)
        self._offset: float | None = None
        self._since = 0.0

    def note(self, media_time: float, *, at: float) -> None:
        """Remember that what ends at a media time arrived at a Unix time."""
        offset = at - media_time
        if not self._least or at - self._least[-1][0] >= _BUCKET:
            self._least.append((at, offset))
        elif offset < self._least[-1][1]:
            self._least[-1] = (self._least[-1][0], offset)

    def date(self, media_time: float) -> float:
        """Return the Unix time of a media time; ask in the order of media time."""
        best = min((offset for _, offset in self._least), default=0.0)
        if self._offset is None:
            self._offset = max(best, self._not_before - media_time)
        else:
            passed = max(media_time - self._since, 0.0)
            self._offset = min(
                max(best, self._offset - passed * EARLIER_PER_SECOND),
                self._offset + passed * LATER_PER_SECOND,
            )
        self._since = media_time
        return self._offset + media_time
