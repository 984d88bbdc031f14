"""What a process knows of the shows that somebody is in: who may be there, and their states."""

import asyncio
import logging
import time
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from creators.chat.standing import RoleName, Standing, read_standings
from creators.pieces.access import Door, doors_of
from creators.stage import pictures, rooms, snapshot
from creators.stage.frames import Frame, Reading
from creators.stage.gathering import Gathering
from creators.stage.hub import Hub
from creators.stage.identity import Identity
from creators.stage.threads import in_thread
from creators.stage.valkey import FAILURES
from creators.stage.who import role_in
from creators.stage.wire import Close, Position, raw

log = logging.getLogger(__name__)

# A little longer than until the desk's next round, which keeps the open ones up to date.
KEEP_SECONDS: Final = 1.8
_MOST_SHOWS: Final = 10_000


class Guest(Protocol):
    """Whoever is in a show, or wants to be."""

    identity: Identity
    role: RoleName

    def may_stay(self, door: Door) -> bool: ...


class Show(NamedTuple):
    """Who may come in to a show, and where everybody stands in it."""

    door: Door
    standing: Standing

    @property
    def says(self) -> tuple[Any, ...]:
        """What it says of who may be there, and as whom."""
        here = self.standing
        return self.door, here.host_id, here.moderators, here.bans


class LiveSnapshot(msgspec.Struct):
    """A show's state as ready JSON; `position` is None while Valkey is away.

    `url` and `host_url` are the signed playlist of a picture that not everybody may see.
    """

    position: Position | None
    state: msgspec.Raw
    url: str
    host_url: str
    until: float
    # The frame that all guests get, once it is made.
    for_guests: list[Frame] = []


class Shows:
    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._shows: dict[int, tuple[Show, float]] = {}
        self._asking: Gathering[int, Show] = Gathering(read_shows)
        self._live: dict[int, asyncio.Task[LiveSnapshot]] = {}

    async def read(self, piece_ids: list[int]) -> dict[int, Show]:
        """Ask PostgreSQL for several shows, and keep what it says."""
        answers = await asyncio.gather(*(self._asking.one(piece_id) for piece_id in piece_ids))
        found = {
            piece_id: show
            for piece_id, show in zip(piece_ids, answers, strict=True)
            if show is not None
        }
        for piece_id, show in found.items():
            self._keep(piece_id, show)
        return found

    def forget(self, piece_id: int) -> None:
        self._shows.pop(piece_id, None)

    def kept(self, piece_id: int) -> Show | None:
        """Return what was last heard of a show that somebody is in."""
        kept = self._shows.get(piece_id)
        return None if kept is None else kept[0]

    async def show_of(self, piece_id: int) -> Show | None:
        """Find a show, asked once in a moment however many come; None when there is none."""
        kept = self._shows.get(piece_id)
        if kept is not None and time.monotonic() < kept[1]:
            return kept[0]
        try:
            found = await self._asking.one(piece_id)
        except Exception:
            if kept is None:
                raise
            log.exception("show %s was not asked for anew", piece_id)
            return kept[0]
        if found is None:
            self._shows.pop(piece_id, None)
        else:
            self._keep(piece_id, found)
        return found

    def _keep(self, piece_id: int, show: Show) -> None:
        if len(self._shows) >= _MOST_SHOWS:
            self._shows.clear()
        self._shows[piece_id] = show, time.monotonic() + KEEP_SECONDS

    def standing_of(self, piece_id: int) -> Standing | None:
        """Return where everybody stands in a show that somebody here is in."""
        kept = self._shows.get(piece_id)
        return None if kept is None else kept[0].standing

    def is_on_air(self, piece_id: int) -> bool:
        standing = self.standing_of(piece_id)
        return standing is not None and standing.state == "live"

    async def live_snapshot(self, piece_id: int) -> LiveSnapshot:
        """Return a show's state, read once a second at most, however many ask for it."""
        task = self._live.get(piece_id)
        if task is not None and task.done():
            if not task.cancelled() and task.exception() is None:
                kept = task.result()
                if kept.until >= time.monotonic():
                    return kept
            task = None
        if task is None:
            if len(self._live) > 1000:
                self._live.clear()
            task = self._live[piece_id] = self._hub.spawn(self._read_live(piece_id))
        return await asyncio.shield(task)

    def outdate(self, piece_id: int) -> None:
        """Forget a kept state: its position is of a history that is gone."""
        self._live.pop(piece_id, None)

    async def _read_live(self, piece_id: int) -> LiveSnapshot:
        position, reading = None, None
        try:
            reading = await self._hub.link.read(rooms.live_room(piece_id))
        except FAILURES as error:
            log.info("a snapshot has no position: %s", error)
        else:
            position = Position(epoch=reading.epoch, seq=reading.seq)
        state, url, host_url = await in_thread(read_live, piece_id, reading)
        return LiveSnapshot(
            position=position,
            state=state,
            url=url,
            host_url=host_url,
            until=time.monotonic() + snapshot.KEEP_SECONDS,
        )


def judgement(socket: Guest, show: Show, *, now: datetime) -> Close | None:
    """Tell with what somebody in a show is to be closed; None: they may stay as they are."""
    if not socket.may_stay(show.door):
        return Close.NO_SUCH_SHOW
    role = role_in(socket.identity, show.standing)
    if role != "host" and show.standing.ban_of(socket.identity.user_id, now=now) is not None:
        return Close.BANNED
    return None if role == socket.role else Close.SERVICE_RESTART


# --- In PostgreSQL ------------------------------------------------------------------------------


def read_shows(piece_ids: list[int]) -> dict[int, Show]:
    doors = doors_of(piece_ids)
    found = read_standings(piece_ids, now=datetime.now(UTC))
    return {
        pk: Show(doors[pk], standing)
        for pk, standing in found.items()
        # A video has no stage.
        if standing.state and pk in doors
    }


def read_live(piece_id: int, reading: Reading | None) -> tuple[msgspec.Raw, str, str]:
    now = datetime.now(UTC)
    state = raw(snapshot.live_state(piece_id, reading=reading))
    return (
        state,
        pictures.url_for(piece_id, is_host=False, now=now),
        pictures.url_for(piece_id, is_host=True, now=now),
    )
