"""One room in one process: who is in it, where it stands, and its latest events."""

import asyncio
from collections import Counter, deque
from typing import Any

from creators.stage import metrics
from creators.stage.frames import (
    Batch,
    Frame,
    Logged,
    deleted_lines,
    deleted_questions,
    frame,
    is_chat,
    must_be_told,
    without_lines,
)
from creators.stage.lines import Line
from creators.stage.rooms import LAG_BUCKET_MS, LAG_BUCKETS, kind_of
from creators.stage.wire import Resync, RoomKind, encode

# Where a seat stands that follows nothing: no frame begins there.
NOWHERE = -1
# What was missed since each of several numbers is kept for others, up to so many bytes of JSON.
MOST_CATCH_UP_BYTES = 8 * 1024 * 1024
# The ring holds so many bytes; only events above the second, such as whole bags, can make it more.
MOST_RING_BYTES = 8 * 1024 * 1024
LARGE_EVENT_BYTES = 8 * 1024

_RESYNCS: dict[RoomKind, Frame] = {}


def resync(kind: RoomKind) -> Frame:
    """Return the frame that tells to ask for a snapshot of such a room; one for all."""
    found = _RESYNCS.get(kind)
    if found is None:
        found = _RESYNCS[kind] = Frame(encode(Resync(room=kind)))
    return found


class Seat:
    """A socket in a room. Once it follows, all up to `seq` of `epoch` was given to it."""

    __slots__ = (
        "epoch",
        "follows",
        "is_cut_off",
        "is_lagging",
        "line",
        "name",
        "room",
        "seq",
        "viewer",
        "was_told_degraded",
    )

    def __init__(self, line: Line, name: str = "", *, viewer: str = "") -> None:
        self.line = line
        # Of the room that it is (to be) in.
        self.name = name
        # Whom the viewer count counts; "" for rooms that are not shows.
        self.viewer = viewer
        self.room: Room | None = None
        self.epoch = ""
        self.seq = NOWHERE
        # Whether it gets its room's frames; it is its room's to say.
        self.follows = False
        self.is_lagging = False
        # Since Valkey failed, until it was told that events arrive again (and to ask for a state).
        self.is_cut_off = False
        self.was_told_degraded = False


class Room:
    """`seq` is the newest event that came in, `sent` the newest that went out in a frame.

    `present` are all sockets in it, `followers` how many of them get frames (the others are about
    to ask for a snapshot, or wait for Valkey). There may be one room per socket: what most of them
    never need is made when it is needed.
    """

    __slots__ = (
        "came",
        "catch_ups",
        "caught_up",
        "chat_at",
        "chat_tokens",
        "counted_at",
        "early",
        "epoch",
        "followers",
        "has_changed",
        "hearts",
        "history",
        "is_busy",
        "is_open",
        "kind",
        "lags",
        "left",
        "left_out",
        "name",
        "newcomers",
        "opened",
        "pending",
        "present",
        "pump",
        "renewed_at",
        "resyncs",
        "ring",
        "roster",
        "sent",
        "seq",
    )

    def __init__(self, name: str, history: int) -> None:
        self.name = name
        self.kind: RoomKind = kind_of(name)
        self.history = history
        self.present: dict[Seat, None] = {}
        self.followers = 0
        self.roster: tuple[Seat, ...] | None = None
        self.epoch = ""
        self.seq = 0
        self.sent = 0
        self.ring: deque[Logged] | None = None
        self.pending: list[Logged] = []
        # What comes in before the room's place in history is known.
        self.early: deque[Batch] | None = None
        self.catch_ups: dict[int, Frame] | None = None
        self.is_open = False
        # Made for those who wait for it to open.
        self.opened: asyncio.Event | None = None
        # Runs while there is something to send.
        self.pump: asyncio.Task[Any] | None = None
        # Lines a second are limited by a bucket; what it did not let in is counted.
        self.chat_tokens = 0.0
        self.chat_at = float("-inf")
        self.left_out = 0
        # Since the last count: events, hearts, who came, who left, and whether anybody did.
        self.came = 0
        self.hearts = 0
        self.newcomers: set[str] | None = None
        self.left: set[str] | None = None
        self.has_changed = False
        # Whether so much happens that counts are told less often.
        self.is_busy = False
        # Bucket of a lag -> how often a page said that its picture is so far behind.
        self.lags: Counter[int] | None = None
        # When it was counted, and when all who are here were named for it.
        self.counted_at = 0.0
        self.renewed_at = 0.0
        # Figures for those who watch the hub.
        self.caught_up = 0
        self.resyncs = 0

    def restart(self, epoch: str, seq: int, events: list[Logged]) -> None:
        """Begin (anew) at a place in history, with what is known of what was before it."""
        self.epoch = epoch
        self.seq = self.sent = seq
        self.ring = None
        self.pending = []
        self.catch_ups = None
        # Only an unbroken end may be resumed from.
        start = len(events)
        while start and events[start - 1].seq == seq - (len(events) - start):
            start -= 1
        self.keep(events[start:])

    def keep(self, news: list[Logged]) -> list[Logged]:
        """Add events to the ring and return them; what was said and is deleted is forgotten.

        Who resumes from before a deletion is told no more than who comes after it.
        """
        lines, questions = deleted_lines(news), deleted_questions(news)
        if lines or questions:
            news = without_lines(news, lines, questions)
            self.pending = without_lines(self.pending, lines, questions)
            if self.ring is not None:
                kept = without_lines(self.ring, lines, questions)
                self.ring = deque(kept, maxlen=self.history)
            self.catch_ups = None
        if news:
            if self.ring is None:
                self.ring = deque(maxlen=self.history)
            self.ring.extend(news)
            if any(len(event.body) > LARGE_EVENT_BYTES for event in news):
                size = sum(len(event.body) for event in self.ring)
                while size > MOST_RING_BYTES and len(self.ring) > 1:
                    size -= len(self.ring.popleft().body)
        return news

    def thinned(self, news: list[Logged], *, rate: int, now: float) -> list[Logged]:
        """Leave out lines of a chat that is faster than `rate` lines a second; nothing else.

        Lines of the host and the moderators stay, and so does what is told of a line anew.
        """
        tokens = min(rate, self.chat_tokens + (now - self.chat_at) * rate)
        self.chat_at = now
        kept = []
        for event in news:
            if is_chat(event):
                if tokens >= 1:
                    tokens -= 1
                elif not must_be_told(event):
                    continue
            kept.append(event)
        self.chat_tokens = tokens
        if len(kept) < len(news):
            self.left_out += len(news) - len(kept)
            metrics.dropped("left_out", len(news) - len(kept))
        return kept

    def covers(self, epoch: str, seq: int) -> bool:
        """Tell whether all that came after a position is still here."""
        if epoch != self.epoch or seq > self.seq:
            return False
        if seq >= self.sent:
            return True
        return self.ring is not None and bool(self.ring) and self.ring[0].seq <= seq + 1

    def since(self, seq: int) -> Frame:
        """Build the frame of all that was sent after a number; once for all who ask for it."""
        if self.catch_ups is None:
            self.catch_ups = {}
        found = self.catch_ups.get(seq)
        if found is None:
            events = [event for event in self.ring or () if seq < event.seq <= self.sent]
            found = frame(self.kind, self.epoch, seq + 1, self.sent, events)
            self.catch_ups[seq] = found
            # Somebody may ask for the time since each number there is, of a room that is silent.
            size = sum(map(len, self.catch_ups.values()))
            while size > MOST_CATCH_UP_BYTES and len(self.catch_ups) > 1:
                size -= len(self.catch_ups.pop(next(iter(self.catch_ups))))
        return found

    def lagging(self, lag_ms: int) -> None:
        """Note how far behind a page's picture is."""
        if self.lags is None:
            self.lags = Counter()
        self.lags[min(lag_ms // LAG_BUCKET_MS, LAG_BUCKETS - 1)] += 1

    def come(self, viewer: str) -> None:
        """Note that one whom the count counts is here."""
        if self.newcomers is None:
            self.newcomers = set()
        self.newcomers.add(viewer)
        self.has_changed = True

    def leave(self, viewer: str) -> None:
        """Note that one whom the count counts has left."""
        if self.left is None:
            self.left = set()
        self.left.add(viewer)
        self.has_changed = True

    def follow(self, seat: Seat) -> None:
        if not seat.follows:
            seat.follows = True
            self.followers += 1
            self.roster = None

    def unfollow(self, seat: Seat) -> None:
        seat.seq = NOWHERE
        if seat.follows:
            seat.follows = False
            self.followers -= 1
            self.roster = None

    def members(self) -> tuple[Seat, ...]:
        """Return those who follow, as they are now."""
        if self.roster is None:
            self.roster = tuple(seat for seat in self.present if seat.follows)
        return self.roster
