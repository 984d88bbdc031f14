"""Jobs of the books."""

from datetime import UTC, datetime

from procrastinate.contrib.django import app

from shops.ledger import checkpoints


@app.periodic(cron="*/5 * * * *")
@app.task(
    name="ledger.write_checkpoints",
    queue="sweepers",
    lock="ledger.write_checkpoints",
    queueing_lock="ledger.write_checkpoints",
)
def write_checkpoints(timestamp: int) -> None:
    checkpoints.write(now=datetime.now(UTC))
