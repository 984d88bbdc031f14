"""What viewers got, checked: every event exactly once and in order, and how late.

Thousands of viewers get the same frames. Each distinct one is read once; a viewer is a place in a
chain of them, and the next frame is compared with the one that others got next, byte for byte. A
step of the chain that skips or repeats events never becomes that shortcut: it is counted each time.

Events of the bench carry their number and the time at which they were published; the numbers must
come in order, all of them, whatever the server's own numbers (`from`, `seq`) claim.
"""

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

# How finely lateness is told apart.
STEP_MS: Final = 0.5


@dataclass(frozen=True, slots=True)
class Event:
    """An event of the bench. `series` are those of one writer, `seq` is the server's number."""

    series: str
    number: int
    published: float
    seq: int


@dataclass(frozen=True, slots=True)
class Heard:
    """What one websocket message says of a room: its events from `first` to `last`."""

    epoch: str
    first: int
    last: int
    events: tuple[Event, ...]
    # Numbers within the message that are missing though nobody says so, or there twice.
    holes: int = 0
    repeats: int = 0


class Frame:
    """One distinct message (with its websocket header), and when viewers got it."""

    __slots__ = ("arrivals", "heard", "raw", "size", "then")

    def __init__(self, raw: bytes, heard: Heard) -> None:
        self.raw = raw
        self.size = len(raw)
        self.heard = heard
        self.arrivals = array("d")
        # What viewers whose latest frame this is get next.
        self.then: Frame | None = None


@dataclass
class Book:
    """All frames of a room that a group of viewers got, and what was wrong with them."""

    frames: dict[bytes, Frame] = field(default_factory=dict)
    starts: dict[tuple[str, int], Frame] = field(default_factory=dict)
    gaps: int = 0
    duplicates: int = 0
    # Frames of a history that the viewer was not told of.
    strays: int = 0
    # (series, number) -> the server's place of it, and what was found in two places.
    places: dict[tuple[str, int], tuple[str, int]] = field(default_factory=dict)
    twice: int = 0

    def start(self, epoch: str, seq: int) -> Frame:
        """Return where a viewer stands who has a snapshot of this moment."""
        found = self.starts.get((epoch, seq))
        if found is None:
            found = self.starts[epoch, seq] = Frame(b"", Heard(epoch, seq + 1, seq, ()))
        return found

    def frame(self, raw: bytes, read: Callable[[bytes], Heard]) -> Frame:
        """Return the frame of a raw message, read when it is seen for the first time."""
        found = self.frames.get(raw)
        if found is None:
            found = self.frames[raw] = Frame(raw, read(raw))
            self._place(found.heard)
        return found

    def _place(self, heard: Heard) -> None:
        for event in heard.events:
            place = (heard.epoch, event.seq)
            if self.places.setdefault((event.series, event.number), place) != place:
                self.twice += 1

    def step(self, before: Frame, frame: Frame, *, now: float) -> Frame:
        """Take a viewer from its latest frame to the next one; returns where it stands then."""
        gaps, repeats = between(before.heard, frame.heard)
        if before.heard.epoch != frame.heard.epoch:
            self.strays += 1
        self.gaps += gaps + frame.heard.holes
        self.duplicates += repeats + frame.heard.repeats
        frame.arrivals.append(now)
        is_whole = not (gaps or repeats or frame.heard.holes or frame.heard.repeats)
        if is_whole and before.then is None and before.heard.epoch == frame.heard.epoch:
            before.then = frame
        return frame

    def behind(self, frame: Frame, epoch: str, seq: int) -> int:
        """Count what a viewer who stands at a frame never got, when all is over."""
        return max(0, seq - frame.heard.last) if frame.heard.epoch == epoch else 0

    def top(self) -> tuple[str, int]:
        """Return the newest place that any viewer reached in the newest history."""
        epoch, seq = "", 0
        for heard in (frame.heard for frame in [*self.starts.values(), *self.frames.values()]):
            if heard.epoch != epoch:
                epoch, seq = heard.epoch, heard.last
            seq = max(seq, heard.last)
        return epoch, seq

    def order(self, published: Mapping[str, Collection[int]]) -> dict[str, int]:
        """Compare with the numbers that were published, by series.

        `lost` were published and never seen, `unknown` seen and never published, `disorder` are
        neighbours in the wrong order, `twice` the ones that have two places.
        """
        seen: dict[str, list[tuple[tuple[str, int], int]]] = {}
        for (series, number), place in self.places.items():
            seen.setdefault(series, []).append((place, number))
        lost = unknown = disorder = 0
        for series in {*published, *seen}:
            numbers = [number for _, number in sorted(seen.get(series, []))]
            wanted = set(published.get(series, ()))
            lost += len(wanted.difference(numbers))
            unknown += len(set(numbers) - wanted)
            disorder += sum(b <= a for a, b in pairwise(numbers))
        return {"lost": lost, "unknown": unknown, "disorder": disorder, "twice": self.twice}

    def figures(self, windows: Sequence[tuple[float, float]]) -> list[dict[str, Any]]:
        """Tell, for each window of time, what arrived in it and how late it was."""
        return [self._window(began, ended) for began, ended in windows]

    def _window(self, began: float, ended: float) -> dict[str, Any]:
        late: dict[str, Counter[int]] = {}
        for frame in self.frames.values():
            arrived = sorted(at for at in frame.arrivals if began <= at < ended)
            if arrived:
                for event in frame.heard.events:
                    add(late.setdefault(event.series, Counter()), arrived, event.published)
        return summary(late, seconds=ended - began)


def between(before: Heard, after: Heard) -> tuple[int, int]:
    """Count what is missing and what is there again between two messages of one viewer."""
    if before.epoch != after.epoch:
        return 1, 0
    gap = after.first - before.last - 1
    return max(0, gap), max(0, -gap)


def add(late: Counter[int], arrived: Sequence[float], published: float) -> None:
    """Add the lateness of one event at many viewers, whose times are sorted, in steps."""
    at, step = 0, int((arrived[0] - published) * 1000 / STEP_MS)
    while at < len(arrived):
        until = bisect_left(arrived, published + (step + 1) * STEP_MS / 1000, at)
        if until > at:
            late[step] += until - at
            at = until
            if at < len(arrived):
                step = max(step + 1, int((arrived[at] - published) * 1000 / STEP_MS))
        else:
            step += 1


def summary(late: dict[str, Counter[int]], *, seconds: float) -> dict[str, Any]:
    """Tell deliveries and percentiles, of all and of each kind (`hub`, `chat`)."""
    kinds: dict[str, Counter[int]] = {}
    for series, counted in late.items():
        kinds.setdefault(series.partition(":")[0], Counter()).update(counted)
    everything: Counter[int] = Counter()
    for counted in kinds.values():
        everything.update(counted)
    found = {
        "deliveries": everything.total(),
        "deliveries_per_s": round(everything.total() / seconds),
        **percentiles(everything),
    }
    for kind, counted in kinds.items():
        found |= {f"{kind}_{name}": value for name, value in percentiles(counted).items()}
    return found


def percentiles(late: Counter[int]) -> dict[str, float]:
    """Read the middle, the 99th percentile and the latest off a histogram, as upper edges."""
    if not late:
        return {"p50_ms": -1.0, "p99_ms": -1.0, "max_ms": -1.0}
    steps = sorted(late)
    return {
        "p50_ms": (_at(late, steps, 0.5) + 1) * STEP_MS,
        "p99_ms": (_at(late, steps, 0.99) + 1) * STEP_MS,
        "max_ms": (steps[-1] + 1) * STEP_MS,
    }


def _at(late: Counter[int], steps: Iterable[int], part: float) -> int:
    wanted, total, step = late.total() * part, 0, 0
    for step in steps:
        total += late[step]
        if total >= wanted:
            break
    return step
