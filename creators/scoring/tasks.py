"""The jobs of the scores: a creator after an order or a show, everybody once a day."""

from datetime import UTC, datetime

from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from creators.scoring import services


@app.task(name="scoring.rescore", queue="scoring", retry=RetryStrategy(max_attempts=5, wait=10))
def rescore(*, creator_id: int) -> None:
    services.recompute(creator_ids=[creator_id], now=datetime.now(UTC))


@app.periodic(cron="10 0 * * *")
@app.task(name="scoring.daily", queue="scoring", queueing_lock="scoring.daily")
def rescore_everybody(timestamp: int) -> None:
    services.recompute(creator_ids=None, now=datetime.now(UTC))
