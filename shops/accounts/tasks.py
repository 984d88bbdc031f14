"""The sweeper of sessions that ran out, every night."""

from django.core.management import call_command
from procrastinate.contrib.django import app


@app.periodic(cron="20 3 * * *")
@app.task(name="accounts.forget_sessions", queue="sweepers", queueing_lock="accounts.sessions")
def forget_sessions(timestamp: int) -> None:
    """Delete the sessions that are over; every guest of a show has one."""
    call_command("clearsessions")
