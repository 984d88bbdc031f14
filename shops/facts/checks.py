"""What must hold in the outbox; `manage.py doctor` asks."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from django.db import connection

from shops.facts.checking import Check, sentences
from shops.facts.publishing import REACT, table

# A job that was just taken over from a worker that died is between two states.
_PATIENCE: Final = timedelta(minutes=10)
# What jobs ask for: several things, or only one.
_ASKED: Final = """
WITH asked AS (
    SELECT (one->>0)::bigint AS event_id, one->>1 AS name, j.status, j.id AS job_id
    FROM procrastinate_jobs j, jsonb_array_elements(
        CASE WHEN j.args ? 'asked' THEN j.args->'asked'
        ELSE jsonb_build_array(jsonb_build_array(j.args->'event_id', j.args->'reaction')) END
    ) AS one
    WHERE j.task_name = %(task)s
)
"""


def failed(now: datetime) -> Iterator[str]:
    """Find reactions that failed for good: nobody tries them again."""
    return sentences(
        "reaction {1} of fact #{0} failed for good (job {2})",
        f"""
        {_ASKED}
        SELECT a.event_id, a.name, a.job_id FROM asked a
        WHERE a.status IN ('failed', 'aborted', 'cancelled')
            AND NOT EXISTS (
                SELECT 1 FROM facts_reaction r WHERE r.event_id = a.event_id AND r.name = a.name)
        ORDER BY a.job_id, a.event_id, a.name
        """,  # noqa: S608  # text of our own
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


_FORGOTTEN: Final = f"""
{_ASKED}
SELECT e.id FROM facts_event e
WHERE e.kind = %(kind)s AND e.id > %(first)s AND e.occurred_at < %(before)s
    AND NOT EXISTS (SELECT 1 FROM facts_reaction r WHERE r.event_id = e.id AND r.name = %(name)s)
    AND NOT EXISTS (SELECT 1 FROM asked a WHERE a.event_id = e.id AND a.name = %(name)s)
ORDER BY e.id
"""  # noqa: S608  # text of our own

CHECKS: Final[Mapping[str, Check]] = {
    "no reaction failed for good": failed,
    "what must follow followed, or has a job": forgotten,
}
