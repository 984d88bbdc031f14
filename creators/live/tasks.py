"""Jobs of the live shows: end those that were left, undo what was ordered in rehearsals."""

from datetime import UTC, datetime

from procrastinate.contrib.django import app

from creators.live import services

# The jobs of replays: the worker looks for jobs in this module only.
from creators.live.replays import tasks as tasks_of_replays  # noqa: F401
from creators.live.services.rehearsals import VOID


@app.periodic(cron="* * * * *")
@app.task(name="live.end_abandoned", queue="sweepers", queueing_lock="live.end_abandoned")
def end_abandoned(timestamp: int) -> None:
    services.end_abandoned(now=datetime.now(UTC))


@app.task(name=VOID, queue="sweepers")
def void_rehearsal(*, piece_id: int) -> None:
    """Undo a rehearsal's orders; what is left open, `void_late` goes on with."""
    services.void_rehearsal(piece_id=piece_id, now=datetime.now(UTC))


@app.periodic(cron="* * * * *")
@app.task(name="live.void_late", queue="sweepers", queueing_lock="live.void_late")
def void_late(timestamp: int) -> None:
    services.void_late(now=datetime.now(UTC))
