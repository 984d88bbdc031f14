"""From the clock of the pictures to a position in the replay, and back.

A replay is played without the pauses in which no picture came, so the two differ by these.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from creators.media.models import Segment


@dataclass(frozen=True)
class Stretch:
    """A piece of the recording without a pause in it."""

    starts_at: datetime
    duration_ms: int

    @property
    def ends_at(self) -> datetime:
        return self.starts_at + timedelta(milliseconds=self.duration_ms)


class Timeline:
    """The stretches of a replay one after the other, the first at position 0."""

    def __init__(self, stretches: Iterable[Stretch | Segment]) -> None:
        self._starts: list[datetime] = []
        self._stretches: list[Stretch] = []
        self._positions: list[int] = []
        self.duration_ms = 0
        for one in stretches:
            self._starts.append(one.starts_at)
            self._stretches.append(Stretch(one.starts_at, one.duration_ms))
            self._positions.append(self.duration_ms)
            self.duration_ms += one.duration_ms

    def position_ms(self, at: datetime) -> int:
        """Tell where in the replay an instant is; one of a pause is where the picture returns."""
        index = bisect_right(self._starts, at) - 1
        if index < 0:
            return 0
        into = (at - self._starts[index]) // timedelta(milliseconds=1)
        return self._positions[index] + min(into, self._stretches[index].duration_ms)

    def instant(self, position_ms: int) -> datetime | None:
        """Tell when the picture at a position was taken; None when there is no picture at all."""
        if not self._stretches:
            return None
        index = max(bisect_right(self._positions, position_ms) - 1, 0)
        into = timedelta(milliseconds=position_ms - self._positions[index])
        return self._starts[index] + into
