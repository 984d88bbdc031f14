"""A web process's connection to Valkey: one subscription, kept up, and the scripts."""

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable
from typing import Any

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from creators.stage import rooms
from creators.stage.frames import Reading, parse_reading

log = logging.getLogger(__name__)

BACK_OFF_SECONDS = (0.1, 5.0)
# A subscription that says nothing for so long is asked whether it is still there.
QUIET_SECONDS = 1.0
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
        self.on_message: Callable[[str, bytes], None]
        self.on_subscribed: Callable[[str], None]
        self.on_up: Callable[[], None]
        self.on_down: Callable[[], None]

    async def script(self, text: str, keys: list[str], args: list[Any]) -> Any:
        """Run one of rooms.py's scripts."""
        return await self._client.register_script(text)(keys=keys, args=args)

    async def read(self, room: str, *, after: int = 0, at_most: int = 0) -> Reading:
        """Tell where a room stands, and its newest events after a number."""
        keys = rooms.keys_of(room, database=self.database)
        answer = await self.script(
            rooms.READ,
            [keys.head, keys.log, keys.counts],
            [rooms.new_epoch(), rooms.KEEP_SECONDS, after, at_most],
        )
        return parse_reading(answer)

    def channel_of(self, room: str) -> str:
        return rooms.keys_of(room, database=self.database).channel

    async def subscribe(self, room: str) -> None:
        if self._pubsub is not None:
            with contextlib.suppress(*FAILURES):
                await self._pubsub.ssubscribe(self.channel_of(room))

    async def unsubscribe(self, room: str) -> None:
        if self._pubsub is not None:
            with contextlib.suppress(*FAILURES):
                await self._pubsub.sunsubscribe(self.channel_of(room))

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
                delay = shortest
                self.on_down()
            await asyncio.sleep(random.uniform(delay / 2, delay))  # noqa: S311  # not a secret
            delay = min(delay * 2, longest)

    async def close(self) -> None:
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
                self.on_up()
