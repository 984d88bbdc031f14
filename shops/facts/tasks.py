"""The job that carries out a must reaction exactly once, and those that tidy up after jobs."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from procrastinate import BaseRetryStrategy, JobContext, RetryDecision
from procrastinate.contrib.django import app
from procrastinate.jobs import Job, Status

from shops.facts.publishing import Asked
from shops.facts.reacting import carry_out_job

# 2 s, 4 s, 8 s … then hourly, for three days: what a reaction needs (a mail server) may be away.
LONGEST_WAIT: Final = timedelta(hours=1)
MOST_ATTEMPTS: Final = 83
KEPT_HOURS: Final = 72


class Patiently(BaseRetryStrategy):
    """Try a failed reaction again for days: it must follow, and it is harmless to be late."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if job.attempts >= MOST_ATTEMPTS:
            return None
        wait = min(timedelta(seconds=2 ** min(job.attempts + 1, 20)), LONGEST_WAIT)
        return RetryDecision(retry_in={"seconds": int(wait.total_seconds())})


@app.task(name="facts.react", queue="facts", retry=Patiently())
def react(
    *, asked: Sequence[Asked] = (), event_id: int | None = None, reaction: str | None = None
) -> None:
    """Carry out what is asked for: pairs of an event and a reaction, or only one."""
    own = list(asked)
    if event_id is not None and reaction is not None:
        own.append((event_id, reaction))
    carry_out_job(own, now=datetime.now(UTC))


@app.periodic(cron="* * * * *")
@app.task(
    name="facts.rescue_jobs",
    queue="sweepers",
    queueing_lock="facts.rescue_jobs",
    pass_context=True,
)
async def rescue_jobs(context: JobContext, timestamp: int) -> None:
    """Have the jobs done that a worker took and then died over.

    Nobody else would: such a job is "doing" for ever, and stands before all with the same lock.
    Doing one twice is harmless, in case its worker was only slow.
    """
    manager = context.app.job_manager
    for job in await manager.get_stalled_jobs():
        if job.queueing_lock:
            # A periodic one; the next comes by itself.
            await manager.finish_job(job, Status.FAILED, delete_job=False)
        else:
            await manager.retry_job(job)


@app.periodic(cron="40 3 * * *")
@app.task(
    name="facts.forget_done_jobs",
    queue="sweepers",
    queueing_lock="facts.forget_done_jobs",
    pass_context=True,
)
async def forget_done_jobs(context: JobContext, timestamp: int) -> None:
    """Delete jobs that succeeded days ago; those that failed stay for the operators."""
    await context.app.job_manager.delete_old_jobs(nb_hours=KEPT_HOURS)
