"""Jobs of the payments room: refunds that go by themselves, and the reconciler."""

import uuid
from datetime import UTC, datetime

from procrastinate.contrib.django import app

from shops.payments import refunds, services
from shops.payments.reconciling import DECIDED_WITHIN


@app.task(name="payments.give_back", queue="payments")
def give_back(*, refund_id: str) -> None:
    """Carry out a refund; without an answer the reconciler asks again."""
    refunds.send_refund(refund_id=uuid.UUID(refund_id), now=datetime.now(UTC))


@app.periodic(cron="* * * * *")
@app.task(
    name="payments.settle",
    queue="payments",
    lock="payments.settle",
    queueing_lock="payments.settle",
)
def settle(timestamp: int) -> None:
    """Ask the provider, each minute, about what is not known."""
    services.settle_unknown(now=datetime.now(UTC))


@app.periodic(cron="*/5 * * * *")
@app.task(
    name="payments.find_chargebacks",
    queue="payments",
    lock="payments.find_chargebacks",
    queueing_lock="payments.find_chargebacks",
)
def find_chargebacks(timestamp: int) -> None:
    """Ask the provider, now and then, for charge-backs that its messages did not bring."""
    services.find_chargebacks(now=datetime.now(UTC))


@app.periodic(cron="25 4 * * *")
@app.task(
    name="payments.find_won_chargebacks",
    queue="payments",
    lock="payments.find_chargebacks",
    queueing_lock="payments.find_won_chargebacks",
)
def find_won_chargebacks(timestamp: int) -> None:
    """Ask the provider, each night, how the charge-backs of the last months were decided."""
    services.find_chargebacks(now=datetime.now(UTC), within=DECIDED_WITHIN)
