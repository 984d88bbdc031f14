"""Jobs: erase what is no longer kept; notice streams whose origin died."""

from datetime import UTC, datetime
from uuid import UUID

from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from creators.media import services
from creators.media.services.recordings import ERASE


@app.task(name=ERASE, queue="media", retry=RetryStrategy(max_attempts=60, wait=60))
def erase(*, stream_id: str) -> None:
    services.erase_files(stream_id=UUID(stream_id))


@app.periodic(cron="* * * * * */20")
@app.task(name="media.close_lost", queue="sweepers", queueing_lock="media.close_lost")
def close_lost(timestamp: int) -> None:
    services.close_lost(now=datetime.now(UTC))
