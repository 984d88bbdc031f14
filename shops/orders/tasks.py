"""Sweepers: orders whose remorse hold, time to ship, time on the way or return window is over."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from procrastinate.contrib.django import app

from shops.orders import services
from shops.stock.queries import database_now

_BATCH: Final = 100


@app.periodic(cron="* * * * * */15")
@app.task(name="orders.release", queue="sweepers", queueing_lock="orders.release")
def release(timestamp: int) -> int:
    return sweep(services.release_due)


@app.periodic(cron="*/5 * * * *")
@app.task(name="orders.watch_shipping", queue="sweepers", queueing_lock="orders.watch_shipping")
def watch_shipping(timestamp: int) -> int:
    """Remind shops, and call off what they did not ship in time."""
    return sweep(services.remind_due) + sweep(services.cancel_overdue)


@app.periodic(cron="*/10 * * * *")
@app.task(name="orders.watch_delivery", queue="sweepers", queueing_lock="orders.watch_delivery")
def watch_delivery(timestamp: int) -> int:
    """Have the silent arrive, and complete what can't be sent back any more."""
    return sweep(services.count_as_delivered) + sweep(services.complete_due)


def sweep(step: Callable[..., int]) -> int:
    """Repeat a step in short transactions until it finds nothing; returns how many it moved."""
    now: datetime = database_now()
    total = 0
    while moved := step(now=now, limit=_BATCH):
        total += moved
    return total
