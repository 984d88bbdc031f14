"""The origin's way to the database: in threads, never holding up the picture, and patient."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, ParamSpec, TypeVar

from django.db import DatabaseError, InterfaceError, connections

from shops.facts.refused import Refused

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

RETRY_SECONDS: Final = 1.0
# What can't be told for so long is told by the keeper's comparison, when the database is back.
_MOST_WAITING: Final = 1000


class Clerk:
    """Asks the database, and tells it things in order, again and again until it has heard them."""

    def __init__(self, *, threads: int = 4) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="database")
        self._waiting: deque[tuple[str, Callable[[], object]]] = deque(maxlen=_MOST_WAITING)
        self._something = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    async def ask(self, function: Callable[P, T], *args: P.args, **fields: P.kwargs) -> T:
        """Run a query or a service in a thread.

        :raises DatabaseError: the database is away
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._threads, partial(_and_let_go, partial(function, *args, **fields))
        )

    def tell(self, service: Callable[..., object], **fields: Any) -> None:
        """Run a service as soon as the database hears it, after all that was told before."""
        self._waiting.append((service.__name__, partial(service, **fields)))
        self._idle.clear()
        self._something.set()

    async def run(self) -> None:
        """Tell what is to be told, until cancelled."""
        while True:
            await self._something.wait()
            while self._waiting:
                name, call = self._waiting[0]
                try:
                    await self.ask(call)
                except (DatabaseError, InterfaceError) as error:
                    log.warning("the database can't be told (%s): %s", name, _first_line(error))
                    await asyncio.sleep(RETRY_SECONDS)
                    continue
                except Refused as refused:
                    log.info("%s was refused: %s", name, refused.code)
                except Exception:
                    log.exception("%s failed", name)
                self._waiting.popleft()
            self._something.clear()
            self._idle.set()

    @property
    def has_told_all(self) -> bool:
        return self._idle.is_set()

    async def all_told(self) -> None:
        await self._idle.wait()

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _and_let_go(call: Callable[[], T]) -> T:
    """Run it and give the connection back: another thread may need it, or it may be broken."""
    try:
        return call()
    finally:
        connections.close_all()


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
