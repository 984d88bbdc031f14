"""Jobs of the webhooks: deliver what is due, tell where stock stands, forget old logs."""

import time
from datetime import UTC, datetime, timedelta
from typing import Final

from procrastinate.contrib.django import app

from shops.webhooks.services import levels, messages

# A worker's slot is given back after that long; the next run goes on.
_LONGEST: Final = 20.0
KEPT_DAYS: Final = 30


@app.task(name=messages.DELIVER, queue="webhooks")
def deliver() -> None:
    _deliver()


@app.periodic(cron="* * * * *")
@app.task(name="webhooks.deliver_due", queue="webhooks", queueing_lock="webhooks.deliver_due")
def deliver_due(timestamp: int) -> None:
    """Deliver what has become due meanwhile, whoever forgot about it."""
    levels.tell_levels(now=datetime.now(UTC))
    _deliver()


@app.periodic(cron="50 3 * * *")
@app.task(name="webhooks.forget", queue="sweepers", queueing_lock="webhooks.forget")
def forget(timestamp: int) -> None:
    messages.forget_old(before=datetime.now(UTC) - timedelta(days=KEPT_DAYS))


def _deliver() -> None:
    until = time.monotonic() + _LONGEST
    while messages.deliver_due(now=datetime.now(UTC)):
        if time.monotonic() > until:
            messages.deliver_soon()
            return
