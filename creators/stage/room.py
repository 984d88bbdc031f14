"""One room in one process: who is in it, where it stands, and its latest events."""

import asyncio
from collections import Counter, deque
from typing import Any

from creators.stage.frames import Batch, Logged, deleted_lines, frame, without_lines
from creators.stage.lines import Line
from creators.stage.rooms import LAG_BUCKET_MS, LAG_BUCKETS, kind_of
from creators.stage.wire import Resync, encode


class Seat:
    """A socket in a room. Once it follows, all up to `seq` of `epoch` was given to it."""

    __slots__ = ("epoch", "is_lagging", "line", "room", "seq", "viewer", "was_told_degraded")

    def __init__(self, line: Line, *, viewer: str = "") -> None:
        self.line = line
        # Whom the viewer count counts; "" for rooms that are not shows.
        self.viewer = viewer
        self.room: Room | None = None
        self.epoch = ""
        self.seq = 0
        self.is_lagging = False
        self.was_told_degraded = False


class Room:
    """`seq` is the newest event that came in, `sent` the newest that went out in a frame.

    `present` are all sockets in it, `following` those that get frames (the others are about to ask
    for a snapshot, or wait for Valkey).
    """

    def __init__(self, name: str, history: int) -> None:
        self.name = name
        self.kind = kind_of(name)
        self.present: dict[Seat, None] = {}
        self.following: dict[Seat, None] = {}
        self.roster: tuple[Seat, ...] | None = None
        self.epoch = ""
        self.seq = 0
        self.sent = 0
        self.ring: deque[Logged] = deque(maxlen=history)
        self.pending: list[Logged] = []
        # What comes in before the room's place in history is known.
        self.early: deque[Batch] = deque(maxlen=history)
        self.catch_ups: dict[int, str] = {}
        self.is_open = False
        self.opened = asyncio.Event()
        self.wake = asyncio.Event()
        self.refreshing = asyncio.Lock()
        self.pump: asyncio.Task[Any] | None = None
        self.resync_text = encode(Resync(room=self.kind)).decode()
        # Since the last count: hearts, those who left, and whether somebody came.
        self.hearts = 0
        self.left: set[str] = set()
        self.has_changed = False
        # Bucket of a lag -> how often a page said that its picture is so far behind.
        self.lags: Counter[int] = Counter()
        self.counted_at = 0.0
        # Figures for those who watch the hub.
        self.caught_up = 0
        self.resyncs = 0

    def restart(self, epoch: str, seq: int) -> None:
        self.epoch = epoch
        self.seq = self.sent = seq
        self.ring.clear()
        self.pending.clear()
        self.catch_ups.clear()

    def keep(self, news: list[Logged]) -> list[Logged]:
        """Add events to the ring and return them; what a line said that is deleted is forgotten.

        Who resumes from before a deletion is told no more than who comes after it.
        """
        lines = deleted_lines(news)
        if lines:
            news = without_lines(news, lines)
            self.ring = deque(without_lines(self.ring, lines), maxlen=self.ring.maxlen)
            self.catch_ups.clear()
        self.ring.extend(news)
        return news

    def covers(self, epoch: str, seq: int) -> bool:
        """Tell whether all that came after a position is still here."""
        if epoch != self.epoch or seq > self.seq:
            return False
        if seq >= self.sent:
            return True
        return bool(self.ring) and self.ring[0].seq <= seq + 1

    def since(self, seq: int) -> str:
        """Build the frame of all that was sent after a number; once for all who ask for it."""
        text = self.catch_ups.get(seq)
        if text is None:
            events = [event for event in self.ring if seq < event.seq <= self.sent]
            text = frame(self.kind, self.epoch, seq + 1, self.sent, events)
            self.catch_ups[seq] = text
        return text

    def lagging(self, lag_ms: int) -> None:
        """Note how far behind a page's picture is."""
        self.lags[min(lag_ms // LAG_BUCKET_MS, LAG_BUCKETS - 1)] += 1

    def follow(self, seat: Seat) -> None:
        self.following[seat] = None
        self.roster = None

    def unfollow(self, seat: Seat) -> None:
        if seat in self.following:
            del self.following[seat]
            self.roster = None

    def members(self) -> tuple[Seat, ...]:
        """Return those who follow, as they are now."""
        if self.roster is None:
            self.roster = tuple(self.following)
        return self.roster
