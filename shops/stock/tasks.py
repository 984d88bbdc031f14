"""The sweeper of holds that ran out, every minute."""

from procrastinate.contrib.django import app

from shops.stock.queries import database_now
from shops.stock.services import expire_due, offer_stranded

_BATCH = 500


@app.periodic(cron="* * * * *")
@app.task(name="stock.sweep_holds", queue="stock", queueing_lock="stock.sweep_holds")
def sweep_holds(timestamp: int) -> int:
    """Expire all holds that are due, in short transactions."""
    return sweep()


def sweep() -> int:
    """Expire holds until none is due, and offer what lies free; returns how many expired."""
    total = 0
    while expired := expire_due(now=database_now(), limit=_BATCH):
        total += expired
    offer_stranded(now=database_now())
    return total
