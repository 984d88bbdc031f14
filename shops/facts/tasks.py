"""The job that carries out one must reaction of one fact, exactly once."""

from datetime import UTC, datetime

from django.db import connection, transaction
from django.utils.module_loading import import_string
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from shops.facts.models import Event
from shops.facts.publishing import read


@app.task(
    name="facts.react",
    queue="facts",
    retry=RetryStrategy(max_attempts=10, exponential_wait=2),
)
def react(*, event_id: int, reaction: str) -> None:
    carry_out(event_id=event_id, reaction=reaction, now=datetime.now(UTC))


@transaction.atomic
def carry_out(*, event_id: int, reaction: str, now: datetime) -> bool:
    """Run a reaction in one transaction with the row that says it ran; False when it had run."""
    event = Event.objects.get(pk=event_id)
    # A second worker waits here on the unique index until the first one's transaction ends.
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO facts_reaction (event_id, name) VALUES (%s, %s)"
            " ON CONFLICT ON CONSTRAINT facts_reaction_once DO NOTHING",
            [event_id, reaction],
        )
        if cursor.rowcount == 0:
            return False
    import_string(reaction)(read(event), event_id=event_id, now=now)
    return True
