"""What must hold in the outbox; `manage.py doctor` asks."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from django.db import connection

from shops.facts.checking import Check, sentences
from shops.facts.publishing import REACT, table

# A job that was just taken over from a worker that died is between two states.
_PATIENCE: Final = timedelta(minutes=10)


def failed(now: datetime) -> Iterator[str]:
    """Find reactions that failed for good: nobody tries them again."""
    return sentences(
        "reaction {1} of fact #{0} failed for good (job {2})",
        """
        SELECT j.args->>'event_id', j.args->>'reaction', j.id FROM procrastinate_jobs j
        WHERE j.task_name = %(task)s AND j.status IN ('failed', 'aborted', 'cancelled')
            AND NOT EXISTS (
                SELECT 1 FROM facts_reaction r
                WHERE r.event_id = (j.args->>'event_id')::bigint AND r.name = j.args->>'reaction')
        ORDER BY j.id
        """,
        {"task": REACT},
    )


def forgotten(now: datetime) -> Iterator[str]:
    """Find facts that something must follow, where nothing did and no job is going to.

    Facts from before a reaction was first carried out are left alone: it was wired later.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, min(event_id) FROM facts_reaction GROUP BY name")
        first = dict(cursor.fetchall())
    for kind, on in table().items():
        for name in on.must:
            if name in first:
                yield from sentences(
                    f"{kind.__name__} #{{0}} was not followed by {name}, and no job will do it",
                    _FORGOTTEN,
                    {
                        "kind": kind.__name__,
                        "name": name,
                        "first": first[name],
                        "before": now - _PATIENCE,
                        "task": REACT,
                    },
                )


_FORGOTTEN: Final = """
SELECT e.id FROM facts_event e
WHERE e.kind = %(kind)s AND e.id > %(first)s AND e.occurred_at < %(before)s
    AND NOT EXISTS (SELECT 1 FROM facts_reaction r WHERE r.event_id = e.id AND r.name = %(name)s)
    AND NOT EXISTS (
        SELECT 1 FROM procrastinate_jobs j
        WHERE j.task_name = %(task)s AND j.args->>'reaction' = %(name)s
            AND (j.args->>'event_id')::bigint = e.id)
ORDER BY e.id
"""

CHECKS: Final[Mapping[str, Check]] = {
    "no reaction failed for good": failed,
    "what must follow followed, or has a job": forgotten,
}
