"""A web process's connection to Valkey: a subscription to each of its nodes, and the scripts."""

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from redis.exceptions import MovedError

from creators.stage import metrics, rooms
from creators.stage.background import Background
from creators.stage.frames import Reading, parse_reading
from creators.stage.subscription import Subscription
from creators.stage.valkey import FAILURES, NOBODY, AsyncValkey, database_of, registered

log = logging.getLogger(__name__)

# While a node is away, the others are asked so often whether one of them took its place.
FIND_SECONDS = 1.0


class Link:
    """Its news are `on_message(channel, data)`, `on_control(data)`, `on_subscribed(channel)`,
    `on_up(holds)` and `on_down(holds)`: `holds` tells of which rooms.

    It reconnects by itself with back-off; whoever listens subscribes again in `on_up`.
    """

    def __init__(self, url: str) -> None:
        self._valkey = AsyncValkey(url)
        self._valkey.on_moved = self._moved
        self.database = database_of(url)
        # One for each node, by its name, and what keeps it up.
        self._subscriptions: dict[str, Subscription] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._background = Background()
        # Whether it may be that nodes hold other rooms now, and who knows best.
        self._is_doubtful = asyncio.Event()
        self._witness = NOBODY
        self.on_message: Callable[[str, bytes], None]
        self.on_control: Callable[[bytes], object]
        self.on_subscribed: Callable[[str], None]
        self.on_up: Callable[[Callable[[str], bool]], None]
        self.on_down: Callable[[Callable[[str], bool]], None]

    # --- Scripts ----------------------------------------------------------------------------

    async def script(self, text: str, keys: list[str], args: list[Any]) -> Any:
        """Run one of rooms.py's scripts."""
        return await self._valkey.script(text, keys, args)

    async def read(self, room: str, *, after: int = 0, at_most: int = 0) -> Reading:
        """Tell where a room stands, and its newest events after a number."""
        return parse_reading(await self.script(rooms.READ, *self._reading(room, after, at_most)))

    async def read_many(
        self, positions: Sequence[tuple[str, int]], *, at_most: int
    ) -> list[Reading | None]:
        """Read several rooms, each after a number, in one go; None for one that fails."""
        by_node: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for room, after in positions:
            by_node[self._valkey.node_of(room)].append((room, after))
        if len(by_node) == 1:
            return await self._read_at(*by_node.popitem(), at_most=at_most)
        # One that is known to be away shall not keep those of others waiting.
        asked = [node for node in by_node if self._is_up(node)]
        answers = await asyncio.gather(
            *(self._read_at(node, by_node[node], at_most=at_most) for node in asked),
            return_exceptions=True,
        )
        readings: dict[str, Reading | None] = {}
        for node, answer in zip(asked, answers, strict=True):
            if isinstance(answer, list):
                readings.update(zip((room for room, _ in by_node[node]), answer, strict=True))
            elif isinstance(answer, FAILURES):
                log.info("%d rooms of %s could not be read: %s", len(by_node[node]), node, answer)
            else:
                raise answer
        return [readings.get(room) for room, _ in positions]

    async def _read_at(
        self, node: str, positions: Sequence[tuple[str, int]], *, at_most: int
    ) -> list[Reading | None]:
        async with self._valkey.client(node).pipeline(transaction=False) as pipeline:
            script = registered(rooms.READ)
            for room, after in positions:
                keys, args = self._reading(room, after, at_most)
                await script(keys=keys, args=args, client=pipeline)
            answers = await pipeline.execute(raise_on_error=False)
        if any(isinstance(answer, MovedError) for answer in answers):
            self._doubt(node)
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

    # --- Channels ---------------------------------------------------------------------------

    def channel_of(self, room: str) -> str:
        return rooms.keys_of(room, database=self.database).channel

    def subscribe(self, room: str) -> None:
        """Wish to hear of a room; `on_subscribed` follows. Forgotten while Valkey is away."""
        self._wish(room, True)

    def unsubscribe(self, room: str) -> None:
        self._wish(room, False)

    def _wish(self, room: str, is_wanted: bool) -> None:
        subscription = self._subscriptions.get(self._valkey.node_of(room))
        if subscription is not None:
            subscription.wish(self.channel_of(room), is_wanted=is_wanted)

    def reaches(self, room: str) -> bool:
        """Tell whether the node of a room is there."""
        return self._is_up(self._valkey.node_of(room))

    @property
    def is_up(self) -> bool:
        """Whether any node is there."""
        return any(map(self._is_up, self._subscriptions))

    def _is_up(self, node: str) -> bool:
        subscription = self._subscriptions.get(node)
        return subscription is not None and subscription.is_up

    # --- Nodes ------------------------------------------------------------------------------

    async def run(self) -> None:
        """Stay connected until cancelled."""
        while True:
            self._is_doubtful.clear()
            await self._valkey.find(first=self._witness)
            self._settle()
            with contextlib.suppress(asyncio.TimeoutError):
                patience = None if self._is_whole() else FIND_SECONDS
                await asyncio.wait_for(self._is_doubtful.wait(), patience)

    async def close(self) -> None:
        await self._background.stop()
        for subscription in self._subscriptions.values():
            await subscription.close()
        await self._valkey.close()

    def _is_whole(self) -> bool:
        return self.is_up and all(map(self._is_up, self._subscriptions))

    def _settle(self) -> None:
        """Have a subscription to every node, and none to those that hold nothing."""
        for node in self._subscriptions.keys() - self._valkey.names:
            subscription = self._subscriptions.pop(node)
            self._running.pop(node).cancel()
            self._background.spawn(subscription.close())
        for node in self._valkey.names - self._subscriptions.keys():
            subscription = self._subscriptions[node] = Subscription(
                self._valkey.client(node),
                rooms.control_channel(database=self.database),
                by_command=self._valkey.by_command,
            )
            subscription.on_message = self._take
            subscription.on_control = partial(self._take_control, node)
            subscription.on_subscribed = self._subscribed
            subscription.on_up = partial(self._up, node)
            subscription.on_down = partial(self._down, node)
            subscription.on_failure = partial(self._failed, node)
            subscription.on_moved = partial(self._doubt, node)
            self._running[node] = self._background.spawn(subscription.run())

    def _take(self, channel: str, data: bytes) -> None:
        self.on_message(channel, data)

    def _subscribed(self, channel: str) -> None:
        self.on_subscribed(channel)

    def _take_control(self, node: str, data: bytes) -> None:
        """Take what every node says from one of them."""
        if node == next(filter(self._is_up, self._subscriptions), None):
            self.on_control(data)

    def _up(self, node: str) -> None:
        if self._is_whole():
            metrics.valkey_is(True)
        self.on_up(partial(self._holds, node))

    def _down(self, node: str) -> None:
        metrics.valkey_is(False)
        self.on_down(partial(self._holds, node))

    def _holds(self, node: str, room: str) -> bool:
        return self._valkey.node_of(room) == node

    def _failed(self, node: str) -> None:
        self._valkey.suspect(node)
        self._is_doubtful.set()

    def _doubt(self, node: str) -> None:
        """Ask a node that knows of a change who holds what now."""
        self._witness = node
        self._is_doubtful.set()

    def _moved(self, is_elsewhere: Callable[[str], bool]) -> None:
        """Go on with the rooms that are on other nodes now, or have them doubted till then."""
        for subscription in self._subscriptions.values():
            subscription.forget(is_elsewhere)
        self._settle()
        self.on_down(lambda room: is_elsewhere(room) and not self.reaches(room))
        self.on_up(is_elsewhere)


def _reading_or_none(room: str, answer: Any) -> Reading | None:
    try:
        if isinstance(answer, Exception):
            raise answer
        return parse_reading(answer)
    except Exception as error:
        log.warning("room %s could not be read: %s", room, error)
        return None
