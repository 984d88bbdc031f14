"""Asking for many with one question: those who wait while an answer is on its way go together.

There is no timer: one who comes alone is asked for at once.
"""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

from channels.db import database_sync_to_async

K = TypeVar("K")
V = TypeVar("V")


class Gathering(Generic[K, V]):
    """`load` runs in a thread with up to `at_most` different keys; what it leaves out is None.

    Who asks while a load runs waits for the next one, and so never gets what was read before.
    """

    __slots__ = ("_at_most", "_load", "_task", "_waiting")

    def __init__(self, load: Callable[[list[K]], dict[K, V]], at_most: int = 500) -> None:
        self._load = load
        self._at_most = at_most
        self._waiting: dict[K, list[asyncio.Future[V | None]]] = {}
        self._task: asyncio.Task[None] | None = None

    async def one(self, key: K) -> V | None:
        """Return what is loaded for a key; an error of the load is raised to all who were in it."""
        future: asyncio.Future[V | None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, []).append(future)
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._go_on())
        return await future

    def _next(self) -> dict[K, list[asyncio.Future[V | None]]]:
        asking: dict[K, list[asyncio.Future[V | None]]] = {}
        while self._waiting and len(asking) < self._at_most:
            key = next(iter(self._waiting))
            # Who has left meanwhile is not asked for.
            futures = [future for future in self._waiting.pop(key) if not future.done()]
            if futures:
                asking[key] = futures
        return asking

    async def _go_on(self) -> None:
        while asking := self._next():
            try:
                found = await database_sync_to_async(self._load, thread_sensitive=False)(
                    list(asking)
                )
            except BaseException as error:
                # One who is told that it was cancelled would take it for its own end.
                told = error if isinstance(error, Exception) else ConnectionError("not loaded")
                for futures in asking.values():
                    for future in futures:
                        if not future.done():
                            future.set_exception(told)
                if told is not error:
                    raise
                continue
            for key, futures in asking.items():
                for future in futures:
                    if not future.done():
                        future.set_result(found.get(key))
