"""The door to the rooms for Django code and jobs: publish(), which harms nobody when it fails.

A purchase must not wait for the stage. An event that could not be published would be missing in
its room, silently; so the room is written down here and gets a new epoch as soon as Valkey answers
again, and everybody in it a fresh snapshot from PostgreSQL.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, wraps
from typing import Protocol, TypeVar

import msgspec
import redis
from django.conf import settings
from django.db import InterfaceError, OperationalError

from creators.stage import rooms
from creators.stage.frames import Reading, parse_reading
from creators.stage.valkey import AWAY, Call, Valkey, database_of
from creators.stage.wire import AnyRoomEvent, encode

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 0.5
# After a failure nobody waits for Valkey during this time.
PAUSE_SECONDS = 1.0


@cache
def _valkey() -> Valkey:
    return Valkey(timeout=TIMEOUT_SECONDS)


@cache
def database() -> int:
    """Tell the number of our Valkey database; it is part of the channels' names."""
    return database_of(settings.REDIS_URL)


class _Missed:
    """Rooms that an event was not published to, until they have their new epoch."""

    def __init__(self) -> None:
        self._rooms: set[str] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        # Node -> until when nobody waits for it.
        self._pauses: dict[str, float] = {}

    def is_paused(self, room: str) -> bool:
        return time.monotonic() < self._pauses.get(_valkey().node_of(room), 0.0)

    def add(self, room: str, *, is_away: bool = True) -> None:
        """Have a room repaired; `is_away`: because Valkey did not answer."""
        with self._lock:
            self._rooms.add(room)
            if is_away and not self.is_paused(room):
                self._pauses[_valkey().node_of(room)] = time.monotonic() + PAUSE_SECONDS
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._repair, name="stage-repair", daemon=True
                )
                self._thread.start()

    def _repair(self) -> None:
        while True:
            time.sleep(PAUSE_SECONDS / 2)
            with self._lock:
                if not self._rooms:
                    self._thread = None
                    return
                # Shows first: the most people look at them.
                some = sorted(self._rooms, key=lambda room: not room.startswith("live:"))
            away = set()
            for room in some:
                node = _valkey().node_of(room)
                if node in away:
                    continue
                # Before it is renewed: an event that is missed meanwhile brings it back.
                with self._lock:
                    self._rooms.discard(room)
                try:
                    renew(room)
                except redis.RedisError as error:
                    with self._lock:
                        self._rooms.add(room)
                    if isinstance(error, AWAY):
                        away.add(node)

    def wait(self, timeout: float) -> bool:
        """Wait until every room is repaired; False when that took too long."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout)
        return self._thread is None


missed = _Missed()


class AboutPiece(Protocol):
    """A fact about a piece; None: about all of a creator's."""

    @property
    def piece_id(self) -> int | None: ...


F = TypeVar("F", bound=AboutPiece)


def renew(room: str) -> None:
    """Give a room a new epoch: nobody resumes over what was not published.

    :raises redis.RedisError: Valkey does not answer
    """
    keys = rooms.keys_of(room, database=database())
    _valkey().script(
        rooms.RENEW,
        [keys.head, keys.log, keys.channel],
        [rooms.new_epoch(), rooms.KEEP_SECONDS],
    )


def publish(room: str, events: Iterable[AnyRoomEvent]) -> bool:
    """Number, keep and send events to a room, in their order; False when Valkey is not there."""
    return publish_all({room: list(events)})


def publish_all(told: Mapping[str, Sequence[AnyRoomEvent]]) -> bool:
    """Do as `publish` does for several rooms in one trip; False when some of them missed it."""
    waiting: dict[str, Call] = {}
    is_told = True
    # For those of the rooms that begin with this; each has its epochs for itself.
    epoch = rooms.new_epoch()
    for room, events in told.items():
        if not events or not room:
            continue
        if missed.is_paused(room):
            missed.add(room)
            is_told = False
            continue
        keys = rooms.keys_of(room, database=database())
        waiting[room] = (
            [keys.head, keys.log, keys.channel],
            [epoch, settings.STAGE_HISTORY, rooms.KEEP_SECONDS, *map(encode, events)],
        )
    if not waiting:
        return is_told
    failures = _valkey().scripts(rooms.PUBLISH, list(waiting.values()))
    for room, error in zip(waiting, failures, strict=True):
        if error is not None:
            log.warning("room %s missed %d events: %s", room, len(told[room]), error)
            missed.add(room, is_away=isinstance(error, AWAY))
            is_told = False
    return is_told


def or_renew(
    *room_names: Callable[[int], str],
) -> Callable[[Callable[[F], None]], Callable[[F], None]]:
    """Renew rooms of the piece of a fact that cannot be told of, as PostgreSQL is away by now.

    The fact is true already, and nobody would tell it later.
    """

    def deciding(tell: Callable[[F], None]) -> Callable[[F], None]:
        @wraps(tell)
        def telling(fact: F) -> None:
            try:
                tell(fact)
            except (OperationalError, InterfaceError):
                if fact.piece_id is not None:
                    for name in room_names:
                        missed.add(name(fact.piece_id), is_away=False)
                raise

        return telling

    return deciding


def control(message: Mapping[str, object]) -> bool:
    """Tell every web process something that is not a room's; False when Valkey is not there."""
    try:
        _valkey().anywhere(
            "PUBLISH", rooms.control_channel(database=database()), msgspec.json.encode(message)
        )
    except redis.RedisError as error:
        log.warning("a control message was not sent: %s", error)
        return False
    return True


def read(room: str, *, after: int = 0, at_most: int = 0) -> Reading | None:
    """Tell where a room stands (it is opened when new); None when Valkey is not there."""
    keys = rooms.keys_of(room, database=database())
    try:
        answer = _valkey().script(
            rooms.READ,
            [keys.head, keys.log, keys.counts],
            [rooms.new_epoch(), rooms.KEEP_SECONDS, after, at_most],
        )
    except redis.RedisError as error:
        log.warning("room %s could not be read: %s", room, error)
        return None
    return parse_reading(answer)
