"""A web process's connection to Valkey: one subscription, kept up, and the scripts."""

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from creators.stage import metrics, rooms
from creators.stage.frames import Reading, parse_reading

log = logging.getLogger(__name__)

BACK_OFF_SECONDS = (0.1, 5.0)
# A subscription that says nothing for so long is asked whether it is still there.
QUIET_SECONDS = 1.0
# So many rooms are subscribed to by one command.
AT_ONCE = 200
FAILURES = (RedisError, OSError, asyncio.TimeoutError)


class Link:
    """Its news are `on_message(channel, data)`, `on_subscribed(channel)`, `on_up()`, `on_down()`.

    It reconnects by itself with back-off; whoever listens subscribes again in `on_up`.
    """

    def __init__(self, url: str) -> None:
        self._client: redis.asyncio.Redis = redis.asyncio.Redis.from_url(
            url, socket_connect_timeout=2, socket_timeout=5, retry=Retry(NoBackoff(), 0)
        )
        self.database = int(self._client.connection_pool.connection_kwargs.get("db") or 0)
        self.control_channel = rooms.control_channel(database=self.database)
        self.is_up = False
        self._pubsub: Any = None
        # Rooms to subscribe to or to leave, in this order, and who does it.
        self._wishes: dict[str, bool] = {}
        self._wishing: asyncio.Task[None] | None = None
        self.on_message: Callable[[str, bytes], None]
        self.on_subscribed: Callable[[str], None]
        self.on_up: Callable[[], None]
        self.on_down: Callable[[], None]

    async def script(self, text: str, keys: list[str], args: list[Any]) -> Any:
        """Run one of rooms.py's scripts."""
        return await self._client.register_script(text)(keys=keys, args=args)

    async def read(self, room: str, *, after: int = 0, at_most: int = 0) -> Reading:
        """Tell where a room stands, and its newest events after a number."""
        return parse_reading(await self.script(rooms.READ, *self._reading(room, after, at_most)))

    async def read_many(
        self, positions: Sequence[tuple[str, int]], *, at_most: int
    ) -> list[Reading | None]:
        """Read several rooms, each after a number, in one go; None for one that fails."""
        async with self._client.pipeline(transaction=False) as pipeline:
            script = self._client.register_script(rooms.READ)
            for room, after in positions:
                keys, args = self._reading(room, after, at_most)
                await script(keys=keys, args=args, client=pipeline)
            answers = await pipeline.execute(raise_on_error=False)
        return [
            _reading_or_none(name, answer)
            for (name, _), answer in zip(positions, answers, strict=True)
        ]

    def _reading(self, room: str, after: int, at_most: int) -> tuple[list[str], list[Any]]:
        keys = rooms.keys_of(room, database=self.database)
        return (
            [keys.head, keys.log, keys.counts],
            [rooms.new_epoch(), rooms.KEEP_SECONDS, after, at_most],
        )

    def channel_of(self, room: str) -> str:
        return rooms.keys_of(room, database=self.database).channel

    def subscribe(self, room: str) -> None:
        """Wish to hear of a room; `on_subscribed` follows. Forgotten while Valkey is away."""
        self._wish(room, True)

    def unsubscribe(self, room: str) -> None:
        self._wish(room, False)

    def _wish(self, room: str, is_wanted: bool) -> None:
        if self._pubsub is None:
            return
        # The newest wish counts, and comes last.
        self._wishes.pop(room, None)
        self._wishes[room] = is_wanted
        if self._wishing is None or self._wishing.done():
            self._wishing = asyncio.ensure_future(self._fulfil())

    async def _fulfil(self) -> None:
        """Tell Valkey all that is wished, a command for many rooms."""
        while self._wishes and self._pubsub is not None:
            some = dict(islice(self._wishes.items(), AT_ONCE))
            for room in some:
                del self._wishes[room]
            wanted = [self.channel_of(room) for room, is_wanted in some.items() if is_wanted]
            unwanted = [self.channel_of(room) for room, is_wanted in some.items() if not is_wanted]
            with contextlib.suppress(*FAILURES):
                if unwanted:
                    await self._pubsub.sunsubscribe(*unwanted)
                if wanted:
                    await self._pubsub.ssubscribe(*wanted)

    async def run(self) -> None:
        """Stay connected until cancelled."""
        shortest, longest = BACK_OFF_SECONDS
        delay = shortest
        while True:
            try:
                await self._listen()
            except FAILURES as error:
                log.warning("the stage has no Valkey: %s", error)
            except Exception:
                log.exception("the stage's subscription failed")
            if self.is_up:
                self.is_up = False
                metrics.valkey_is(False)
                delay = shortest
                self.on_down()
            await asyncio.sleep(random.uniform(delay / 2, delay))  # noqa: S311  # not a secret
            delay = min(delay * 2, longest)

    async def close(self) -> None:
        if self._wishing is not None:
            self._wishing.cancel()
            await asyncio.gather(self._wishing, return_exceptions=True)
        await self._client.aclose()

    async def _listen(self) -> None:
        """Take messages until the connection ends."""
        pubsub = self._pubsub = self._client.pubsub()
        unanswered = 0
        try:
            await pubsub.ssubscribe(self.control_channel)
            while True:
                message = await pubsub.get_message(timeout=QUIET_SECONDS)
                if message is None:
                    # A dead peer says nothing either: ask, and expect an answer.
                    unanswered += 1
                    if unanswered > 2:
                        raise TimeoutError("no answer on the subscription")
                    await pubsub.ping()
                    continue
                unanswered = 0
                self._take(message)
        finally:
            self._pubsub = None
            self._wishes.clear()
            with contextlib.suppress(*FAILURES):
                await pubsub.aclose()  # type: ignore[no-untyped-call]

    def _take(self, message: dict[str, Any]) -> None:
        if message["type"] == "smessage":
            self.on_message(message["channel"].decode(), message["data"])
        elif message["type"] == "ssubscribe":
            channel = message["channel"].decode()
            if channel != self.control_channel:
                self.on_subscribed(channel)
            elif not self.is_up:
                self.is_up = True
                metrics.valkey_is(True)
                self.on_up()


def _reading_or_none(room: str, answer: Any) -> Reading | None:
    try:
        if isinstance(answer, Exception):
            raise answer
        return parse_reading(answer)
    except Exception as error:
        log.warning("room %s could not be read: %s", room, error)
        return None
