"""Jobs of the returns room: refunds that were decided, and what silence decides."""

from datetime import UTC, datetime

from procrastinate.contrib.django import app

from shops.facts.tasks import Patiently
from shops.returns import refunds, silence


@app.task(name="returns.pay_back", queue="payments", retry=Patiently())
def pay_back(*, refund_id: int) -> None:
    refunds.pay_back(refund_id=refund_id, now=datetime.now(UTC))


@app.periodic(cron="*/5 * * * *")
@app.task(
    name="returns.silence",
    queue="sweepers",
    lock="returns.silence",
    queueing_lock="returns.silence",
)
def act_on_silence(timestamp: int) -> None:
    silence.act_on_silence(now=datetime.now(UTC))
