"""The hub: one per web process; each room's events come in once and go out to all its sockets.

One Valkey subscription per room, kept while somebody is in it. What comes in within a window
becomes one frame, built once; the same text is given to every socket. Events queue, frames never:
a socket that does not take a frame lags, nothing is kept for it, and when it reads again it is
caught up from the room's ring, or told to ask for a snapshot. Numbers show what is missing: a gap
is filled from the room's log, a new epoch ends in a resync. Who may be where: see sockets.py.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any
from weakref import WeakKeyDictionary

import msgspec
from django.conf import settings

from creators.stage.counting import count_now_and_then
from creators.stage.frames import Batch, Logged, Reading, frame, parse_batch
from creators.stage.link import FAILURES, Link
from creators.stage.room import Room, Seat
from creators.stage.wire import Close, Notice, Position, encode

log = logging.getLogger(__name__)

CHUNK = 512
BIG_ROOM = 3000
SLOW_SECONDS = 30.0
VERIFY_SECONDS = 5.0
OPEN_SECONDS = 2.0
# An empty room is kept for a moment: a page that reloads finds it still there.
LINGER_SECONDS = 2.0

_DEGRADED = encode(Notice(kind="degraded")).decode()
_LIVE = encode(Notice(kind="live")).decode()

ControlHandler = Callable[[dict[str, Any]], Awaitable[None]]


class Hub:
    """All rooms of one process (of one event loop)."""

    def __init__(self, *, url: str = "", window_ms: int | None = None) -> None:
        self.rooms: dict[str, Room] = {}
        self.on_control: ControlHandler | None = None
        self._window = (settings.STAGE_WINDOW_MS if window_ms is None else window_ms) / 1000
        self.link = Link(url or settings.REDIS_URL)
        self.link.on_message = self._take
        self.link.on_subscribed = self._subscribed
        self.link.on_up = self._up
        self.link.on_down = self._down
        self._tasks: set[asyncio.Task[Any]] = set()
        self._is_running = False

    # --- Life -----------------------------------------------------------------------------

    def start(self) -> None:
        """Connect and go on by itself; called again, it does nothing."""
        if not self._is_running:
            self._is_running = True
            self.spawn(self.link.run())
            self.spawn(self._watch())
            self.spawn(count_now_and_then(self.rooms, self.link))

    async def close(self) -> None:
        """Stop everything; sockets that are still there are told that the service restarts."""
        for room in self.rooms.values():
            for seat in room.present:
                seat.line.close(Close.SERVICE_RESTART)
        tasks = list(self._tasks)
        # Until all have heard it: asyncio.wait_for of Python 3.11, through which redis-py sends,
        # forgets a cancellation that comes just when its work is done.
        while still := [task for task in tasks if not task.done()]:
            for task in still:
                task.cancel()
            await asyncio.wait(still, timeout=0.5)
        await asyncio.gather(*tasks, return_exceptions=True)
        self.rooms.clear()
        await self.link.close()
        self._is_running = False

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # --- Seats ----------------------------------------------------------------------------

    async def enter(self, seat: Seat, name: str) -> Room:
        """Bring a socket into a room, subscribed to and with its ring filled if Valkey answers."""
        self.start()
        room = self.rooms.get(name)
        if room is None:
            room = self.rooms[name] = Room(name, settings.STAGE_HISTORY)
            room.pump = self.spawn(self._pump(room))
            if self.link.is_up:
                self.spawn(self.link.subscribe(name))
        if seat.room is not room:
            seat.room = room
            room.present[seat] = None
            room.has_changed = True
        if not room.is_open:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(room.opened.wait(), OPEN_SECONDS)
        return room

    async def reach(self, room: Room, position: Position, *, trusted: bool) -> None:
        """Take in what the position's giver knew already and this process does not.

        A client's word on the epoch is not believed: reading for each would be a lever.
        """
        is_ahead = position.epoch == room.epoch and position.seq > room.seq
        if is_ahead or (trusted and position.epoch != room.epoch):
            await self._refresh(room)

    def doubt(self, room: Room) -> None:
        """Note that Valkey failed for a room; it opens again when it could be read."""
        room.is_open = False
        room.opened.clear()

    def follow(self, seat: Seat, position: Position) -> bool:
        """Let a socket follow its room from a position on: what it missed, then the frames.

        False when what it missed cannot be had; the caller gives it a snapshot then. There is no
        await in here: nothing can come in between the catching up and the next frame.
        """
        room = seat.room
        if room is None or not room.is_open or not room.covers(position.epoch, position.seq):
            return False
        seat.seq, seat.epoch = position.seq, position.epoch
        room.follow(seat)
        self._catch_up(seat)
        return True

    def leave(self, seat: Seat) -> None:
        """Take a socket out of its room; after the last one the room goes."""
        room = seat.room
        if room is None:
            return
        seat.room = None
        room.unfollow(seat)
        del room.present[seat]
        if seat.viewer:
            room.left.add(seat.viewer)
            room.has_changed = True
        if not room.present:
            self.spawn(self._let_go(room))

    async def _let_go(self, room: Room) -> None:
        await asyncio.sleep(LINGER_SECONDS)
        if room.present or self.rooms.get(room.name) is not room:
            return
        del self.rooms[room.name]
        if room.pump is not None:
            room.pump.cancel()
        await self.link.unsubscribe(room.name)

    def drained(self, seat: Seat) -> None:
        """Go on with a socket that reads again."""
        if seat.is_lagging and seat.room is not None and seat.room.is_open:
            self._catch_up(seat)

    def tell_degraded(self, seat: Seat) -> None:
        if not seat.was_told_degraded:
            seat.was_told_degraded = seat.line.write(_DEGRADED)

    def _catch_up(self, seat: Seat) -> None:
        room = seat.room
        if room is None or seat not in room.following:
            return
        seat.is_lagging = seat.line.is_blocked
        if seat.is_lagging:
            return
        if not room.covers(seat.epoch, seat.seq):
            seat.line.write(room.resync_text)
            room.resyncs += 1
            room.unfollow(seat)
        elif seat.seq < room.sent and seat.line.write(room.since(seat.seq)):
            seat.seq = room.sent
            room.caught_up += 1

    # --- Frames ---------------------------------------------------------------------------

    async def _pump(self, room: Room) -> None:
        """Leading edge at once, then a frame per window at most; it clocks itself."""
        loop = asyncio.get_running_loop()
        while True:
            await room.wake.wait()
            room.wake.clear()
            began = loop.time()
            events, room.pending = room.pending, []
            if events:
                await self._deliver(room, events)
            window = self._window * (2 if len(room.following) > BIG_ROOM else 1)
            await asyncio.sleep(max(0.0, window - (loop.time() - began)))

    async def _deliver(self, room: Room, events: list[Logged]) -> None:
        epoch, before, top = room.epoch, room.sent, events[-1].seq
        room.sent = top
        room.catch_ups.clear()
        text = frame(room.kind, epoch, before + 1, top, events)
        members = room.members()
        for start in range(0, len(members), CHUNK):
            if start:
                await asyncio.sleep(0)
                if room.epoch != epoch:
                    return
            for seat in members[start : start + CHUNK]:
                if seat.is_lagging or seat.seq >= top or seat not in room.following:
                    continue
                if seat.line.is_blocked:
                    seat.is_lagging = True
                elif seat.seq != before:
                    self._catch_up(seat)
                elif seat.line.write(text):
                    seat.seq = top

    # --- What comes in --------------------------------------------------------------------

    def _by_channel(self, channel: str) -> Room | None:
        return self.rooms.get(channel[1:].partition("}")[0])

    def _take(self, channel: str, data: bytes) -> None:
        if channel == self.link.control_channel:
            self.spawn(self._take_control(data))
            return
        room = self._by_channel(channel)
        if room is None:
            return
        try:
            batch = parse_batch(data)
        except ValueError:
            log.warning("room %s got a message that is not ours", room.name)
            return
        if not room.is_open:
            room.early.append(batch)
        elif not self._apply(room, batch):
            self.spawn(self._refresh(room))

    async def _take_control(self, data: bytes) -> None:
        try:
            if self.on_control is not None:
                await self.on_control(msgspec.json.decode(data, type=dict[str, Any]))
        except Exception:
            log.exception("a control message failed")

    def _apply(self, room: Room, batch: Batch) -> bool:
        """Put a batch in its place; False when something before it is missing."""
        if batch.epoch != room.epoch:
            return False
        news = [event for event in batch.events if event.seq > room.seq]
        if not news:
            return True
        if news[0].seq != room.seq + 1:
            return False
        room.pending.extend(room.keep(news))
        room.seq = news[-1].seq
        room.wake.set()
        return True

    async def _refresh(self, room: Room) -> None:
        """Compare with the room's head in Valkey: fill a gap, or take a new epoch."""
        async with room.refreshing:
            after = room.seq if room.epoch else 0
            try:
                reading = await self.link.read(
                    room.name, after=after, at_most=settings.STAGE_HISTORY
                )
            except FAILURES as error:
                log.info("room %s could not be read: %s", room.name, error)
                return
            if not self._fill(room, reading):
                self._restart(room, reading)
            was_open, room.is_open = room.is_open, True
            room.opened.set()
            early = list(room.early)
            room.early.clear()
            # All of them, also after one that did not fit.
            fits = [self._apply(room, batch) for batch in early]
            if not all(fits):
                self.spawn(self._refresh(room))
            if not was_open:
                self._recovered(room)

    def _fill(self, room: Room, reading: Reading) -> bool:
        """Add what a reading has more; False when it is another history, or not whole."""
        if reading.epoch != room.epoch:
            return False
        if reading.seq <= room.seq:
            return True
        whole = bool(reading.events) and reading.events[-1].seq == reading.seq
        return whole and self._apply(room, Batch(reading.epoch, reading.events))

    def _restart(self, room: Room, reading: Reading) -> None:
        """Begin (anew) at a reading; those who followed another history ask for a snapshot."""
        events = reading.events
        room.restart(reading.epoch, reading.seq)
        # Only an unbroken end of the log may be resumed from.
        start = len(events)
        while start and events[start - 1].seq == reading.seq - (len(events) - start):
            start -= 1
        room.keep(events[start:])
        for seat in list(room.following):
            self._catch_up(seat)

    # --- Valkey comes and goes ------------------------------------------------------------

    def _up(self) -> None:
        for name in list(self.rooms):
            self.spawn(self.link.subscribe(name))

    def _subscribed(self, channel: str) -> None:
        room = self._by_channel(channel)
        if room is not None:
            self.spawn(self._refresh(room))

    def _down(self) -> None:
        """Trust nothing until each room was read again."""
        for room in self.rooms.values():
            self.doubt(room)
            for seat in room.present:
                self.tell_degraded(seat)

    def _recovered(self, room: Room) -> None:
        for seat in list(room.present):
            if seat.was_told_degraded:
                seat.was_told_degraded = False
                seat.line.write(_LIVE)
                if seat not in room.following:
                    # It came while Valkey was away and has a state without a position.
                    seat.line.write(room.resync_text)
            self.drained(seat)

    async def _watch(self) -> None:
        """Close those who lag for too long; compare rooms with their heads now and then."""
        loop = asyncio.get_running_loop()
        verify_at = loop.time() + VERIFY_SECONDS
        while True:
            await asyncio.sleep(min(1.0, SLOW_SECONDS / 4))
            now = loop.time()
            for room in list(self.rooms.values()):
                for seat in list(room.present):
                    line = seat.line
                    if line.is_blocked and now - line.blocked_since > SLOW_SECONDS:
                        line.close(Close.SLOW)
                    if line.is_closed:
                        self.leave(seat)
            if now >= verify_at and self.link.is_up:
                verify_at = now + VERIFY_SECONDS
                for room in list(self.rooms.values()):
                    await self._refresh(room)


_hubs: "WeakKeyDictionary[asyncio.AbstractEventLoop, Hub]" = WeakKeyDictionary()


def hub_here() -> Hub:
    """Return this process's hub (the running loop's: a server process has one loop)."""
    loop = asyncio.get_running_loop()
    hub = _hubs.get(loop)
    if hub is None:
        hub = _hubs[loop] = Hub()
    return hub
