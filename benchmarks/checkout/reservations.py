"""A process of the bench: hundreds who want one SKU at once, by the stock room's batcher.

Reads what to do from its first argument and prints what came of it, both JSON.
"""

import asyncio
import gc
import json
import os
import sys
import time
import uuid
from collections import deque
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

import django
import uvloop

django.setup()

from shops.facts.refused import Refused  # noqa: E402
from shops.stock.batcher import batcher  # noqa: E402
from shops.stock.reserving import (  # noqa: E402
    Answer,
    Ask,
    OutOfStock,
    Wanted,
)

_TTL: Final = timedelta(minutes=10)
_WARM_SECONDS: Final = 1.0


class Door:
    """Brings answers from the batcher's thread into the loop, once for a whole batch of them."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._ready: deque[tuple[asyncio.Future[Answer], Answer]] = deque()

    def ask(self, sku_id: int, quantity: int = 1) -> "asyncio.Future[Answer]":
        """Ask for units of a SKU, under a new id.

        :raises Busy: too many requests wait
        """
        mine: asyncio.Future[Answer] = self._loop.create_future()
        wanted = [Wanted(uuid.uuid4(), sku_id, quantity)]
        batcher.put(Ask(wanted, _TTL, datetime.now(UTC)), partial(self._told, mine))
        return mine

    def _told(self, mine: "asyncio.Future[Answer]", answer: Answer) -> None:
        self._ready.append((mine, answer))
        if len(self._ready) == 1:
            self._loop.call_soon_threadsafe(self._drain)

    def _drain(self) -> None:
        while self._ready:
            mine, answer = self._ready.popleft()
            mine.set_result(answer)


async def _steadily(*, sku_id: int, in_flight: int, seconds: float) -> dict[str, Any]:
    """Have so many ask again as soon as they are answered; none of them may be refused."""
    door = Door()
    took: list[float] = []
    begin = time.perf_counter() + _WARM_SECONDS
    end = begin + seconds

    async def buyer() -> None:
        while (at := time.perf_counter()) < end:
            answer = await door.ask(sku_id)
            if isinstance(answer, Refused):
                raise answer
            if begin <= (done := time.perf_counter()) < end:
                took.append(done - at)

    cpu = 0.0

    async def clock() -> None:
        nonlocal cpu
        await asyncio.sleep(_WARM_SECONDS)
        cpu = time.process_time()
        await asyncio.sleep(seconds)
        cpu = time.process_time() - cpu

    await asyncio.gather(clock(), *(buyer() for _ in range(in_flight)))
    took.sort()
    return {
        "reservations_per_s": round(len(took) / seconds),
        "reservation_p50_ms": _ms(took, 0.50),
        "reservation_p99_ms": _ms(took, 0.99),
        "reservation_cpu_us": round(cpu / len(took) * 1e6, 1),
    }


async def _finite(*, sku_id: int, in_flight: int, requests: int) -> dict[str, Any]:
    """Have more people want one or two units than there are; counts who got some, and who none."""
    door, seats = Door(), asyncio.Semaphore(in_flight)
    granted = refused = others = 0

    async def buyer(quantity: int) -> None:
        nonlocal granted, refused, others
        async with seats:
            answer = await door.ask(sku_id, quantity)
        if isinstance(answer, OutOfStock):
            refused += 1
        elif isinstance(answer, Refused):
            others += 1
        else:
            granted += quantity

    await asyncio.gather(*(buyer(1 + number % 2) for number in range(requests)))
    return {"granted": granted, "refused": refused, "others": others}


def _ms(took: list[float], part: float) -> float:
    return round(took[int(len(took) * part)] * 1000, 1)


def main() -> None:
    asked: dict[str, Any] = json.loads(sys.argv[1])
    # As `manage.py stage` does: what was loaded is for ever and not to be looked through.
    gc.freeze()
    ways: dict[str, Callable[..., Coroutine[Any, Any, dict[str, Any]]]] = {
        "steadily": _steadily,
        "finite": _finite,
    }
    do = ways[asked.pop("do")]
    print(json.dumps(uvloop.run(do(**asked))), flush=True)
    # Threads that wait for work are not waited for.
    os._exit(0)


if __name__ == "__main__":
    main()
