"""The hub: one per web process; each room's events come in once and go out to all its sockets.

One Valkey subscription per room, kept while somebody is in it. What comes in within a window
becomes one frame, built once; the same text is given to every socket. Events queue, frames never:
a socket that does not take a frame lags, nothing is kept for it, and when it reads again it is
caught up from the room's ring, or told to ask for a snapshot. Numbers show what is missing: a gap
is filled from the room's log, a new epoch ends in a resync. Who may be where: see desk.py.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from itertools import islice
from typing import Any
from weakref import WeakKeyDictionary

import msgspec
from django.conf import settings

from creators.stage import metrics
from creators.stage.background import Background
from creators.stage.counting import count_now_and_then
from creators.stage.delivery import CHUNK, catch_up, deliver, give_up, go_on, tell_degraded
from creators.stage.frames import Batch, Reading, parse_batch
from creators.stage.link import Link
from creators.stage.room import NOWHERE, Room, Seat
from creators.stage.valkey import FAILURES
from creators.stage.wire import Close, Position

log = logging.getLogger(__name__)

BIG_ROOM = 3000
SLOW_SECONDS = 30.0
# Shows are compared with their heads in Valkey so often, everybody's own rooms more seldom.
VERIFY_SECONDS = 5.0
VERIFY_OWN_SECONDS = 60.0
OPEN_SECONDS = 2.0
# An empty room is kept for a while: who lost the network comes back to what was missed.
LINGER_SECONDS = 45.0
ROOMS_AT_ONCE = 200  # are read in one go


class Hub:
    """All rooms of one process (of one event loop)."""

    def __init__(self, *, url: str = "", window_ms: int | None = None) -> None:
        self.rooms: dict[str, Room] = {}
        self.on_control: Callable[[dict[str, Any]], Awaitable[None]] | None = None
        self._window = (settings.STAGE_WINDOW_MS if window_ms is None else window_ms) / 1000
        self.link = Link(url or settings.REDIS_URL)
        self.link.on_message = self._take
        self.link.on_control = lambda data: self.spawn(self._take_control(data))
        self.link.on_subscribed = self._subscribed
        self.link.on_up = self._up
        self.link.on_down = self._down
        self._background = Background()
        self._is_running = False
        # Empty rooms and since when, the longest empty one first.
        self._empty: dict[Room, float] = {}
        # Rooms to be read, each with the future of those who wait for it, and who reads them.
        self._unread: dict[Room, asyncio.Future[None]] = {}
        self._reader: asyncio.Task[None] | None = None
        metrics.watch(self)

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
            for seat in list(room.present):
                give_up(seat, Close.SERVICE_RESTART)
        await self._background.stop()
        for waiting in self._unread.values():
            waiting.cancel()
        self._unread.clear()
        self._empty.clear()
        self.rooms.clear()
        await self.link.close()
        self._is_running = False

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        return self._background.spawn(work)

    # --- Seats ----------------------------------------------------------------------------

    def sit(self, seat: Seat) -> Room:
        """Bring a socket into its room; the room opens when it is subscribed to and read."""
        self.start()
        name = seat.name
        room = self.rooms.get(name)
        if room is None:
            room = self.rooms[name] = Room(name, settings.STAGE_HISTORY)
            self.link.subscribe(name)
        if seat.room is not room:
            seat.room = room
            room.present[seat] = None
            if seat.viewer:
                room.come(seat.viewer)
            self._empty.pop(room, None)
        return room

    async def opened(self, room: Room) -> bool:
        """Wait for a room to open, longer while only many come; False when that took too long."""
        if not room.is_open:
            if room.opened is None:
                room.opened = asyncio.Event()
            with contextlib.suppress(asyncio.TimeoutError):
                patience = OPEN_SECONDS * (4 if self.link.reaches(room.name) else 1)
                await asyncio.wait_for(room.opened.wait(), patience)
        return room.is_open

    async def enter(self, seat: Seat) -> Room:
        """Bring a socket into its room, subscribed to and with its ring if Valkey answers."""
        room = self.sit(seat)
        await self.opened(room)
        return room

    async def reach(self, room: Room, position: Position, *, trusted: bool) -> None:
        """Take in what the position's giver knew already and this process does not.

        A client's word on the epoch is not believed: reading for each would be a lever.
        """
        is_ahead = position.epoch == room.epoch and position.seq > room.seq
        if is_ahead or (trusted and position.epoch != room.epoch):
            await self._refresh(room)

    def doubt(self, room: Room) -> None:
        """Note that Valkey failed for a room; once read again, it opens."""
        room.is_open = False
        if room.opened is not None:
            room.opened.clear()

    def follow(self, seat: Seat, position: Position) -> bool:
        """Let a socket follow its room from a position on: what it missed, then the frames.

        False when what it missed cannot be had; the caller gives it a snapshot then. There is no
        await in here: nothing can come in between the catching up and the next frame.
        """
        room = seat.room
        if room is None or not room.is_open or not room.covers(position.epoch, position.seq):
            return False
        # The room's own text: each socket's would be another copy.
        seat.seq, seat.epoch = position.seq, room.epoch
        room.follow(seat)
        catch_up(seat)
        return True

    def leave(self, seat: Seat) -> None:
        """Take a socket out of its room; after the last one the room goes, by and by."""
        room = seat.room
        if room is None:
            return
        seat.room = None
        room.unfollow(seat)
        del room.present[seat]
        if seat.viewer:
            room.leave(seat.viewer)
        if not room.present:
            self._empty[room] = time.monotonic()

    def _let_go(self) -> None:
        """Drop the rooms that nobody came back to."""
        latest = time.monotonic() - LINGER_SECONDS
        while self._empty:
            room, since = next(iter(self._empty.items()))
            if since > latest:
                return
            del self._empty[room]
            if self.rooms.get(room.name) is not room:
                continue
            del self.rooms[room.name]
            if room.pump is not None:
                room.pump.cancel()
            self.link.unsubscribe(room.name)

    def drained(self, seat: Seat) -> None:
        """Go on with a socket that reads again."""
        go_on(seat)

    # --- Frames ---------------------------------------------------------------------------

    def _wake(self, room: Room) -> None:
        if room.pump is None:
            room.pump = self.spawn(self._pump(room))

    async def _pump(self, room: Room) -> None:
        """Leading edge at once, then a frame per window at most; until nothing is left."""
        loop = asyncio.get_running_loop()
        try:
            while room.seq > room.sent:
                began = loop.time()
                await deliver(room)
                window = self._window * (2 if room.followers > BIG_ROOM else 1)
                await asyncio.sleep(max(0.0, window - (loop.time() - began)))
        finally:
            room.pump = None

    # --- What comes in --------------------------------------------------------------------

    def _by_channel(self, channel: str) -> Room | None:
        return self.rooms.get(channel[1:].partition("}")[0])

    def _take(self, channel: str, data: bytes) -> None:
        room = self._by_channel(channel)
        if room is None:
            return
        try:
            batch = parse_batch(data)
        except ValueError:
            log.warning("room %s got a message that is not ours", room.name)
            return
        if not room.is_open:
            if room.early is None:
                room.early = deque(maxlen=room.history)
            if len(room.early) == room.history:
                metrics.dropped("too_early")
            room.early.append(batch)
        elif not self._apply(room, batch):
            self.refresh_soon(room)

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
        room.came += len(news)
        room.seq = news[-1].seq
        if room.kind == "live" and settings.STAGE_CHAT_RATE:
            news = room.thinned(news, rate=settings.STAGE_CHAT_RATE, now=time.monotonic())
        kept = room.keep(news)  # and what is pending may be another list after it
        room.pending.extend(kept)
        self._wake(room)
        return True

    def refresh_soon(self, room: Room) -> asyncio.Future[None]:
        """Have a room compared with its head in Valkey; many at once are read together.

        The future is done after a reading that began after this call.
        """
        waiting = self._unread.get(room)
        if waiting is None:
            waiting = self._unread[room] = asyncio.get_running_loop().create_future()
            if self._reader is None or self._reader.done():
                self._reader = self.spawn(self._read_rooms())
        return waiting

    async def _refresh(self, room: Room) -> None:
        """Compare with the room's head in Valkey: fill a gap, or take a new epoch."""
        await asyncio.shield(self.refresh_soon(room))

    async def _read_rooms(self) -> None:
        while self._unread:
            some = dict(islice(self._unread.items(), ROOMS_AT_ONCE))
            for room in some:
                del self._unread[room]
            try:
                await self._read_some(list(some))
            finally:
                for waiting in some.values():
                    if not waiting.done():
                        waiting.set_result(None)

    async def _read_some(self, unread: list[Room]) -> None:
        positions = [(room.name, room.seq if room.epoch else 0) for room in unread]
        try:
            readings = await self.link.read_many(positions, at_most=settings.STAGE_HISTORY)
        except FAILURES as error:
            log.info("%d rooms could not be read: %s", len(unread), error)
            return
        for room, reading in zip(unread, readings, strict=True):
            try:
                if reading is not None:
                    self._place(room, reading)
            except Exception:
                log.exception("room %s could not be placed", room.name)

    def _place(self, room: Room, reading: Reading) -> None:
        if not self._fill(room, reading):
            self._restart(room, reading)
        was_open, room.is_open = room.is_open, True
        if room.opened is not None:
            room.opened.set()
            room.opened = None
        early, room.early = room.early, None
        # All of them, also after one that did not fit.
        fits = [self._apply(room, batch) for batch in early or ()]
        if not all(fits):
            self.refresh_soon(room)
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
        room.restart(reading.epoch, reading.seq, reading.events)
        for seat in room.members():
            catch_up(seat)
            if seat.is_lagging:
                # Its number is one of the other history.
                seat.seq = NOWHERE

    # --- Valkey comes and goes ------------------------------------------------------------

    def _up(self, holds: Callable[[str], bool] | None = None) -> None:
        for name in filter(holds, self.rooms):
            self.link.subscribe(name)

    def _subscribed(self, channel: str) -> None:
        room = self._by_channel(channel)
        if room is not None:
            self.refresh_soon(room)

    def _down(self, holds: Callable[[str], bool] | None = None) -> None:
        """Trust none of those rooms (all when not told) until it was read again."""
        for name in filter(holds, list(self.rooms)):
            room = self.rooms[name]
            self.doubt(room)
            for seat in room.present:
                tell_degraded(seat)

    def _recovered(self, room: Room) -> None:
        for seat in list(room.present):
            go_on(seat)

    async def _watch(self) -> None:
        """Close those who lag for too long; compare rooms with their heads now and then."""
        loop = asyncio.get_running_loop()
        verify_at = loop.time() + VERIFY_SECONDS
        verify_own_at = loop.time() + VERIFY_OWN_SECONDS
        while True:
            await asyncio.sleep(min(1.0, SLOW_SECONDS / 4))
            looked_at = 0
            for room in list(self.rooms.values()):
                for seat in list(room.present):
                    self._look_at(seat, loop.time())
                looked_at += 1 + len(room.present)
                if looked_at > CHUNK:
                    looked_at = 0
                    await asyncio.sleep(0)
            self._let_go()
            now = loop.time()
            if now >= verify_at and self.link.is_up:
                verify_at = now + VERIFY_SECONDS
                is_all = now >= verify_own_at
                if is_all:
                    verify_own_at = now + VERIFY_OWN_SECONDS
                for room in self.rooms.values():
                    if is_all or room.kind != "me" or not room.is_open:
                        self.refresh_soon(room)

    def _look_at(self, seat: Seat, now: float) -> None:
        line = seat.line
        if line.is_blocked and now - line.blocked_since > SLOW_SECONDS:
            give_up(seat, Close.SLOW)
            metrics.dropped("slow")
        if line.is_closed:
            self.leave(seat)


_hubs: "WeakKeyDictionary[asyncio.AbstractEventLoop, Hub]" = WeakKeyDictionary()


def hub_here() -> Hub:
    """Return this process's hub (the running loop's: a server process has one loop)."""
    loop = asyncio.get_running_loop()
    hub = _hubs.get(loop)
    if hub is None:
        hub = _hubs[loop] = Hub()
    return hub
