"""Those who asked for what is not there yet, and how long they are held."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

Key = TypeVar("Key")


class TooMany(Exception):
    """More wait already than are held."""


class Waiting(Generic[Key]):
    """Waiters by what they wait for. All of one key are held together, from the first one on."""

    def __init__(self, *, most: int, hold: float) -> None:
        self.most = most
        self.hold = hold
        self.count = 0
        self._groups: dict[Key, list[asyncio.Future[bool]]] = {}
        self._timers: dict[Key, asyncio.TimerHandle] = {}

    async def wait(self, key: Key) -> bool:
        """Hold until `release` says that the key is there; False when it took too long.

        :raises TooMany: no more are held
        """
        if self.count >= self.most:
            raise TooMany
        loop = asyncio.get_running_loop()
        future: asyncio.Future[bool] = loop.create_future()
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = []
            self._timers[key] = loop.call_later(self.hold, self._answer, key, False)
        group.append(future)
        self.count += 1
        try:
            return await future
        finally:
            self.count -= 1
            if not future.done() or future.cancelled():
                self._forget(key, future)

    def release(self, is_there: Callable[[Key], bool]) -> None:
        """Let all go on whose key is there now."""
        for key in [key for key in self._groups if is_there(key)]:
            self._answer(key, True)

    def _answer(self, key: Key, result: bool) -> None:
        self._timers.pop(key).cancel()
        for future in self._groups.pop(key):
            if not future.done():
                future.set_result(result)

    def _forget(self, key: Key, future: asyncio.Future[bool]) -> None:
        group = self._groups.get(key, [])
        if future in group:
            group.remove(future)
            if not group:
                self._answer(key, False)
