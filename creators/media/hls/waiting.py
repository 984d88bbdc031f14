"""Those who asked for what is not there yet, and how long they are held."""

import asyncio
from collections.abc import Callable
from functools import partial
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
        self._groups: dict[Key, list[Callable[[bool], None]]] = {}
        self._timers: dict[Key, asyncio.TimerHandle] = {}

    def call(self, key: Key, then: Callable[[bool], None]) -> None:
        """Have something called when the key is there (True) or it took too long (False).

        :raises TooMany: no more are held
        """
        if self.count >= self.most:
            raise TooMany
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = []
            loop = asyncio.get_running_loop()
            self._timers[key] = loop.call_later(self.hold, self._answer, key, False)
        group.append(then)
        self.count += 1

    async def wait(self, key: Key) -> bool:
        """Hold until `release` says that the key is there; False when it took too long.

        :raises TooMany: no more are held
        """
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        then = partial(_settle, future)
        self.call(key, then)
        try:
            return await future
        finally:
            if future.cancelled():
                self._forget(key, then)

    def release(self, is_there: Callable[[Key], bool]) -> None:
        """Let all go on whose key is there now."""
        for key in [key for key in self._groups if is_there(key)]:
            self._answer(key, True)

    def _answer(self, key: Key, result: bool) -> None:
        self._timers.pop(key).cancel()
        group = self._groups.pop(key)
        self.count -= len(group)
        for then in group:
            then(result)

    def _forget(self, key: Key, then: Callable[[bool], None]) -> None:
        group = self._groups.get(key, [])
        if then in group:
            group.remove(then)
            self.count -= 1
            if not group:
                self._answer(key, False)


def _settle(future: "asyncio.Future[bool]", result: bool) -> None:
    if not future.done():
        future.set_result(result)
