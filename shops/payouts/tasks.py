"""Jobs of the payouts room: releasing what is due, and paying out."""

import uuid
from datetime import UTC, datetime

from django.conf import settings
from procrastinate.contrib.django import app

from shops.payouts import paying, planning, settling


@app.periodic(cron="*/5 * * * *")
@app.task(
    name="payouts.settle", queue="payments", lock="payouts.settle", queueing_lock="payouts.settle"
)
def settle(timestamp: int) -> None:
    """Release orders and reserves whose time has come."""
    now = datetime.now(UTC)
    planning.plan_new(now=now)
    planning.void_closed(now=now)
    settling.settle_due(now=now)
    settling.release_reserves(now=now)


@app.periodic(cron="7 5 * * *")
@app.task(
    name="payouts.scheduled_run",
    queue="payments",
    lock="payouts.run",
    queueing_lock="payouts.scheduled_run",
)
def scheduled_run(timestamp: int) -> None:
    """Begin the run of this day, if it is one on which payouts are made."""
    now = datetime.now(UTC)
    if now.weekday() in settings.PAYOUT_WEEKDAYS:
        paying.start_run(run_id=uuid.uuid4(), scheduled_for=now.date(), now=now)


@app.periodic(cron="* * * * *")
@app.task(
    name="payouts.carry_on", queue="payments", lock="payouts.run", queueing_lock="payouts.carry_on"
)
def carry_on(timestamp: int) -> None:
    """Go on with runs that are not done: a process died, or the provider gave no answer."""
    paying.carry_on_all(now=datetime.now(UTC))
