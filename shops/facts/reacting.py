"""What must follow on facts is carried out once, and what waits for it by the hundred together."""

import logging
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

from django.db import transaction
from django.utils.module_loading import import_string

from shops.facts.models import Event
from shops.facts.publishing import REACT, read
from shops.facts.rows import ask, columns, models

log = logging.getLogger(__name__)

_AT_MOST: Final = 100
# Other queues' jobs wait meanwhile.
_SECONDS: Final = 2.0
_One = TypeVar("_One", bound=Callable[..., None])
_many: Final[dict[Callable[..., None], Callable[..., None]]] = {}


def takes_many(many: Callable[..., None]) -> Callable[[_One], _One]:
    """Name what a reaction does about several facts at once: `many([(event_id, fact)], now=now)`.

    Only for what is nothing but written to the database: it is done for all of them, or undone.
    """

    def note(one: _One) -> _One:
        _many[one] = many
        return one

    return note


@transaction.atomic
def carry_out(*, event_id: int, reaction: str, now: datetime) -> bool:
    """Run a reaction in one transaction with the row that says it ran; False when it had run."""
    [events] = ask(_NOTE, {"event": event_id, "name": reaction})
    for event in models(Event, events):
        import_string(reaction)(read(event), event_id=event_id, now=now)
    return bool(events)


# A second worker waits here on the unique index until the first one's transaction ends.
_NOTE: Final = f"""
WITH noted AS (
    INSERT INTO facts_reaction (event_id, name) VALUES (%(event)s::bigint, %(name)s)
    ON CONFLICT ON CONSTRAINT facts_reaction_once DO NOTHING RETURNING event_id
)
SELECT {columns(Event, "e")} FROM facts_event e JOIN noted ON noted.event_id = e.id
"""  # noqa: S608  # columns of a model


def carry_out_waiting(*, now: datetime) -> int:
    """Carry out what waits in the queue, without a turn of the worker for each; returns how many.

    What fails is left to its own job, which is tried again for days. Jobs that have failed before
    are not looked at.
    """
    until = time.monotonic() + _SECONDS
    [rows] = ask(_WAITING, {"task": REACT, "most": _AT_MOST})
    waiting: dict[str, list[int]] = {}
    for job_id, name in rows:
        waiting.setdefault(name, []).append(job_id)
    done = 0
    for name, job_ids in waiting.items():
        if len(job_ids) > 1 and import_string(name) in _many:
            try:
                done += _take(job_ids, name, now=now)
            except Exception:
                log.warning("%s failed for %d facts at once", name, len(job_ids), exc_info=True)
            else:
                continue
        for job_id in job_ids:
            if time.monotonic() > until:
                return done
            try:
                done += _take([job_id], name, now=now)
            except Exception:
                # Its own job does it again, and says so.
                log.debug("%s failed beside its turn", name, exc_info=True)
    return done


_WAITING: Final = """
SELECT id, args->>'reaction' FROM procrastinate_jobs
WHERE status = 'todo' AND task_name = %(task)s AND attempts = 0
    AND lock IS NULL AND queueing_lock IS NULL AND (scheduled_at IS NULL OR scheduled_at <= now())
ORDER BY priority DESC, id LIMIT %(most)s
"""


@transaction.atomic
def _take(job_ids: Sequence[int], name: str, *, now: datetime) -> int:
    """Do what jobs are for and delete them, unless a worker has them; returns how many it did."""
    [rows] = ask(_TAKE, {"jobs": list(job_ids), "name": name})
    facts: list[tuple[int, Any]] = [(event.pk, read(event)) for event in models(Event, rows)]
    reaction: Callable[..., None] = import_string(name)
    if len(facts) > 1:
        _many[reaction](facts, now=now)
    else:
        for event_id, fact in facts:
            reaction(fact, event_id=event_id, now=now)
    return len(facts)


# That it was done says facts_reaction; a job that is gone is one that nobody looks through.
_TAKE: Final = f"""
WITH mine AS (
    SELECT id, (args->>'event_id')::bigint AS event_id FROM procrastinate_jobs
    WHERE id = ANY(%(jobs)s::bigint[]) AND status = 'todo' ORDER BY id FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM procrastinate_jobs j USING mine WHERE j.id = mine.id
), noted AS (
    INSERT INTO facts_reaction (event_id, name) SELECT DISTINCT event_id, %(name)s::text FROM mine
    ON CONFLICT ON CONSTRAINT facts_reaction_once DO NOTHING RETURNING event_id
)
SELECT {columns(Event, "e")} FROM facts_event e JOIN noted ON noted.event_id = e.id ORDER BY e.id
"""  # noqa: S608  # columns of a model
