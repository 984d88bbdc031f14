"""What a process's sockets share: the hub, kept snapshots, who is there, and their rates.

A socket whose session has ended is closed within two seconds: at once by a control message, or, if
that was lost, by the round that asks PostgreSQL for all open sessions together. So is, within ten,
one whose show is not for everybody any more.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from itertools import islice
from typing import Any, ParamSpec, Protocol, TypeVar, cast
from weakref import WeakKeyDictionary

import msgspec
from channels.db import database_sync_to_async
from django.contrib.sessions.models import Session

from creators.pieces.access import Door, door_of, doors_of
from creators.stage import publishing, rooms, snapshot
from creators.stage.hub import Hub, hub_here
from creators.stage.limits import CAPTIONS, PER_ADDRESS, PER_USER, Buckets
from creators.stage.link import FAILURES
from creators.stage.wire import Close, Position, raw
from shops.accounts.models import User
from shops.accounts.services import session_hash

log = logging.getLogger(__name__)

ROUND_SECONDS = 1.5
_AT_ONCE = 1000
FIGURES_SECONDS = 1.0
DOOR_SECONDS = 10.0

P = ParamSpec("P")
T = TypeVar("T")


async def in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run database code in a thread of the pool; never called on the frames' way."""
    return await database_sync_to_async(work, thread_sensitive=False)(*args, **kwargs)


class OpenSocket(Protocol):
    """What the desk knows of a socket."""

    user_id: int | None
    session_key: str | None
    piece_id: int | None

    def may_stay(self, door: Door) -> bool: ...

    def close(self, code: Close) -> None: ...


class LiveSnapshot(msgspec.Struct, frozen=True):
    """A show's state as ready JSON; `position` is None while Valkey is away."""

    position: Position | None
    state: msgspec.Raw
    until: float


class Desk:
    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.users = Buckets(PER_USER)
        self.addresses = Buckets(PER_ADDRESS)
        self.captions = Buckets(CAPTIONS)
        self._sockets: set[OpenSocket] = set()
        self._doors: dict[int, tuple[Door, float]] = {}
        self._live: dict[int, asyncio.Task[LiveSnapshot]] = {}
        self._judged_at = time.monotonic()
        self._figures_due: set[int] = set()
        self._rounds: asyncio.Task[None] | None = None
        hub.on_control = self.control

    # --- Who is there ---------------------------------------------------------------------

    def register(self, socket: OpenSocket) -> None:
        self._sockets.add(socket)
        if self._rounds is None or self._rounds.done():
            self._rounds = self.hub.spawn(self._go_round())

    def forget(self, socket: OpenSocket) -> None:
        self._sockets.discard(socket)

    async def control(self, message: dict[str, Any]) -> None:
        """Apply what another process (or this one) said to all."""
        if message.get("kind") == "signed_out":
            hashed = message.get("session_hash")
            for socket in list(self._sockets):
                if socket.session_key and session_hash(socket.session_key) == hashed:
                    socket.close(Close.SIGNED_OUT)
        elif message.get("kind") == "door":
            # Who may watch has changed: all come in anew, and are judged anew.
            piece_id = message.get("piece_id")
            self._doors.pop(cast(int, piece_id), None)
            for socket in list(self._sockets):
                if socket.piece_id == piece_id:
                    socket.close(Close.SERVICE_RESTART)

    async def _go_round(self) -> None:
        while True:
            await asyncio.sleep(ROUND_SECONDS)
            await self._judge_anew()
            signed_in = [socket for socket in self._sockets if socket.user_id is not None]
            if not signed_in:
                continue
            try:
                sessions, users = await in_thread(
                    still_good,
                    {socket.session_key or "" for socket in signed_in},
                    {socket.user_id for socket in signed_in if socket.user_id is not None},
                )
            except Exception:
                log.exception("open sessions could not be checked")
                continue
            for socket in signed_in:
                if socket.session_key not in sessions or socket.user_id not in users:
                    socket.close(Close.SIGNED_OUT)

    async def _judge_anew(self) -> None:
        if time.monotonic() - self._judged_at < DOOR_SECONDS:
            return
        self._judged_at = time.monotonic()
        watched = {socket.piece_id for socket in self._sockets if socket.piece_id is not None}
        try:
            doors = await in_thread(doors_of, watched) if watched else {}
        except Exception:
            log.exception("the doors of open shows could not be asked")
            return
        for socket in list(self._sockets):
            door = doors.get(socket.piece_id) if socket.piece_id is not None else None
            if door is not None and not socket.may_stay(door):
                socket.close(Close.NO_SUCH_SHOW)

    # --- Shows ----------------------------------------------------------------------------

    async def door_of(self, piece_id: int) -> Door | None:
        """Find who may come in to a show, asked once in a few seconds however many come."""
        kept = self._doors.get(piece_id)
        if kept is not None:
            if time.monotonic() < kept[1]:
                return kept[0]
            # One asks anew; who comes meanwhile is judged by what is known.
            self._doors[piece_id] = kept[0], time.monotonic() + DOOR_SECONDS
        try:
            found = await in_thread(_door_of_show, piece_id)
        except Exception:
            if kept is None:
                raise
            log.exception("the door of %s was not asked anew", piece_id)
            return kept[0]
        self._doors.pop(piece_id, None)
        if found is not None:
            if len(self._doors) > 10_000:
                self._doors.clear()
            self._doors[piece_id] = found, time.monotonic() + DOOR_SECONDS
        return found

    async def live_snapshot(self, piece_id: int) -> LiveSnapshot:
        """Return a show's state, read once a second at most, however many ask for it."""
        task = self._live.get(piece_id)
        if task is None or (
            task.done() and (task.exception() is not None or task.result().until < time.monotonic())
        ):
            if len(self._live) > 1000:
                self._live.clear()
            task = self._live[piece_id] = self.hub.spawn(self._read_live(piece_id))
        return await asyncio.shield(task)

    def outdate(self, piece_id: int) -> None:
        """Forget a kept state: its position is of a history that is gone."""
        self._live.pop(piece_id, None)

    async def _read_live(self, piece_id: int) -> LiveSnapshot:
        position, reading = None, None
        try:
            reading = await self.hub.link.read(rooms.live_room(piece_id))
        except FAILURES as error:
            log.info("a snapshot has no position: %s", error)
        else:
            position = Position(epoch=reading.epoch, seq=reading.seq)
        state = await in_thread(snapshot.live_state, piece_id, reading=reading)
        return LiveSnapshot(
            position=position,
            state=raw(state),
            until=time.monotonic() + snapshot.KEEP_SECONDS,
        )

    def figures_soon(self, piece_id: int) -> None:
        """Tell the host the new figures, once for all that changes within a second."""
        if piece_id not in self._figures_due:
            self._figures_due.add(piece_id)
            self.hub.spawn(self._tell_figures(piece_id))

    async def _tell_figures(self, piece_id: int) -> None:
        await asyncio.sleep(FIGURES_SECONDS)
        self._figures_due.discard(piece_id)
        try:
            await in_thread(publish_figures, piece_id)
        except Exception:
            log.exception("figures of %s were not told", piece_id)


def _door_of_show(piece_id: int) -> Door | None:
    return None if snapshot.host_of(piece_id) is None else door_of(piece_id)


def publish_figures(piece_id: int) -> None:
    publishing.publish(rooms.host_room(piece_id), [snapshot.figures(piece_id)])


def still_good(sessions: Iterable[str], users: Iterable[int]) -> tuple[set[str], set[int]]:
    """Select those sessions that have not ended and those users who may be here."""
    good_sessions: set[str] = set()
    good_users: set[int] = set()
    keys, ids = iter(sessions), iter(users)
    while some := list(islice(keys, _AT_ONCE)):
        found = Session.objects.filter(session_key__in=some, expire_date__gt=datetime.now(UTC))
        good_sessions.update(found.values_list("session_key", flat=True))
    while some_ids := list(islice(ids, _AT_ONCE)):
        active = User.objects.filter(pk__in=some_ids, is_active=True)
        good_users.update(active.values_list("pk", flat=True))
    return good_sessions, good_users


_desks: "WeakKeyDictionary[Hub, Desk]" = WeakKeyDictionary()


def desk_here() -> Desk:
    hub = hub_here()
    desk = _desks.get(hub)
    if desk is None:
        desk = _desks[hub] = Desk(hub)
    return desk
