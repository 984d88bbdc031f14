"""Tasks that nobody waits for: kept until they are done, and stopped together."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class Background:
    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def stop(self) -> None:
        """Cancel all, and return when they have ended."""
        tasks = list(self._tasks)
        # Until all have heard it: asyncio.wait_for of Python 3.11, through which redis-py sends,
        # forgets a cancellation that comes just when its work is done.
        while still := [task for task in tasks if not task.done()]:
            for task in still:
                task.cancel()
            await asyncio.wait(still, timeout=0.5)
        await asyncio.gather(*tasks, return_exceptions=True)
