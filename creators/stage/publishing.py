"""The door to the rooms for Django code and jobs: publish(), which harms nobody when it fails.

A purchase must not wait for the stage. An event that could not be published would be missing in
its room, silently; so the room is written down here and gets a new epoch as soon as Valkey answers
again, and everybody in it a fresh snapshot from PostgreSQL.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from functools import cache, wraps
from typing import Any, Protocol, TypeVar

import msgspec
import redis
from django.conf import settings
from django.db import InterfaceError, OperationalError
from redis.backoff import NoBackoff
from redis.retry import Retry

from creators.stage import rooms
from creators.stage.frames import Reading, parse_reading
from creators.stage.wire import AnyRoomEvent, encode

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 0.5
# After a failure nobody waits for Valkey during this time.
PAUSE_SECONDS = 1.0


@cache
def _client() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )


def database() -> int:
    """Tell the number of our Valkey database; it is part of the channels' names."""
    return int(_client().connection_pool.connection_kwargs.get("db") or 0)


@cache
def _registered(text: str) -> Callable[..., Any]:
    return _client().register_script(text)


def _script(text: str, keys: list[str], args: list[Any]) -> Any:
    """Run a script by its hash, or by its text when the server does not know it (yet)."""
    return _registered(text)(keys=keys, args=args)


class _Missed:
    """Rooms that an event was not published to, until they have their new epoch."""

    def __init__(self) -> None:
        self._rooms: set[str] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._pause_until = 0.0

    def is_paused(self) -> bool:
        return time.monotonic() < self._pause_until

    def add(self, room: str, *, is_away: bool = True) -> None:
        """Have a room repaired; `is_away`: because Valkey did not answer."""
        with self._lock:
            self._rooms.add(room)
            if is_away and not self.is_paused():
                self._pause_until = time.monotonic() + PAUSE_SECONDS
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
            for room in some:
                # Before it is renewed: an event that is missed meanwhile brings it back.
                with self._lock:
                    self._rooms.discard(room)
                try:
                    renew(room)
                except redis.RedisError as error:
                    with self._lock:
                        self._rooms.add(room)
                    if isinstance(error, (redis.ConnectionError, redis.TimeoutError)):
                        break

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
    _script(
        rooms.RENEW,
        [keys.head, keys.log, keys.channel],
        [rooms.new_epoch(), rooms.KEEP_SECONDS],
    )


def publish(room: str, events: Iterable[AnyRoomEvent]) -> bool:
    """Number, keep and send events to a room, in their order; False when Valkey is not there."""
    encoded = [encode(event) for event in events]
    if not encoded or not room:
        return True
    if missed.is_paused():
        missed.add(room)
        return False
    keys = rooms.keys_of(room, database=database())
    try:
        _script(
            rooms.PUBLISH,
            [keys.head, keys.log, keys.channel],
            [rooms.new_epoch(), settings.STAGE_HISTORY, rooms.KEEP_SECONDS, *encoded],
        )
    except redis.RedisError as error:
        log.warning("room %s missed %d events: %s", room, len(encoded), error)
        missed.add(room)
        return False
    return True


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
        _client().execute_command(  # type: ignore[no-untyped-call]
            "SPUBLISH", rooms.control_channel(database=database()), msgspec.json.encode(message)
        )
    except redis.RedisError as error:
        log.warning("a control message was not sent: %s", error)
        return False
    return True


def read(room: str, *, after: int = 0, at_most: int = 0) -> Reading | None:
    """Tell where a room stands (it is opened when new); None when Valkey is not there."""
    keys = rooms.keys_of(room, database=database())
    try:
        answer = _script(
            rooms.READ,
            [keys.head, keys.log, keys.counts],
            [rooms.new_epoch(), rooms.KEEP_SECONDS, after, at_most],
        )
    except redis.RedisError as error:
        log.warning("room %s could not be read: %s", room, error)
        return None
    return parse_reading(answer)
