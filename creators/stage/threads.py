"""Database code beside the event loop."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from channels.db import database_sync_to_async

P = ParamSpec("P")
T = TypeVar("T")


async def in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run database code in a thread of the pool; never called on the frames' way."""
    return await database_sync_to_async(work, thread_sensitive=False)(*args, **kwargs)
