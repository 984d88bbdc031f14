"""What must follow on facts is carried out once, and what waits for it by the hundred together."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

import msgspec
from django.db import transaction
from django.utils.module_loading import import_string

from shops.facts.models import Event
from shops.facts.publishing import REACT, Asked, read
from shops.facts.rows import ask, columns, models

log = logging.getLogger(__name__)

_JOBS: Final = 100
_AT_MOST: Final = 200
# Other queues' jobs wait meanwhile.
_SECONDS: Final = 2.0
# No job has this id.
_OWN: Final = 0
_One = TypeVar("_One", bound=Callable[..., None])
_many: Final[dict[Callable[..., None], tuple[Callable[..., None], int]]] = {}


class NotAll(Exception):
    """Some of several facts were not reacted to, each for its own reason, by the event's id."""

    def __init__(self, failed: Mapping[int, Exception]) -> None:
        super().__init__(failed)
        self.failed = failed


def takes_many(many: Callable[..., None], *, at_most: int = _AT_MOST) -> Callable[[_One], _One]:
    """Name what a reaction does about several facts at once: `many([(event_id, fact)], now=now)`.

    What is only written to the database is done for all of them, or undone. What also does things
    that can't be undone raises `NotAll` when some of them failed; it is not asked again at once.
    """

    def note(one: _One) -> _One:
        _many[one] = many, at_most
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


def carry_out_job(own: Sequence[Asked], *, now: datetime) -> int:
    """Carry out what a job asks for, and what waits in the queue besides; returns how many.

    What fails besides is left to its own job, which is tried again for days. Jobs that have failed
    before are not looked at.

    :raises Exception: what failed first of its own, when all else is done
    """
    until = time.monotonic() + _SECONDS
    turn = _Turn(own)
    for name, pairs in turn.asked.items():
        for some in _pieces(name, pairs):
            # What is its own is done, however long that takes.
            is_late = time.monotonic() > until
            if mine := [one for one in some if not is_late or one[0] == _OWN]:
                turn.carry_out(name, mine, now=now)
    turn.end()
    return turn.count


def carry_out_waiting(*, now: datetime) -> int:
    """Carry out what waits in the queue, without a turn of the worker for each; returns how many.

    Otherwise as `carry_out_job`.
    """
    return carry_out_job([], now=now)


class _Turn:
    """What is done in a turn of the worker: by reaction, (job, event) of what asks for it."""

    def __init__(self, own: Sequence[Asked]) -> None:
        self.asked: dict[str, list[tuple[int, int]]] = {}
        self.count = 0
        # How much of each job is still to be done.
        self._left = Counter[int]()
        self._failed: list[Exception] = []
        self._add(_OWN, own)
        [rows] = ask(_WAITING, {"task": REACT, "most": _JOBS})
        for job_id, asked in rows:
            self._add(job_id, msgspec.json.decode(asked, type=list[Asked]))

    def _add(self, job_id: int, asked: Sequence[Asked]) -> None:
        self._left[job_id] += len(asked)
        for event_id, name in asked:
            self.asked.setdefault(name, []).append((job_id, event_id))

    def carry_out(self, name: str, pairs: Sequence[tuple[int, int]], *, now: datetime) -> None:
        """Carry out a reaction: for all at once where it takes many, or else one by one."""
        if len(pairs) > 1 and import_string(name) in _many:
            try:
                return self._take(name, pairs, now=now)
            except Exception:
                log.warning("%s failed for %d facts at once", name, len(pairs), exc_info=True)
        for job_id, event_id in pairs:
            try:
                self._take(name, [(job_id, event_id)], now=now)
            except Exception as error:
                self._note(job_id, name, error)

    def _take(self, name: str, pairs: Sequence[tuple[int, int]], *, now: datetime) -> None:
        done = _take(name, pairs, now=now)
        self.count += done.count
        for job_id, event_id in pairs:
            if error := done.failed.get(event_id):
                self._note(job_id, name, error)
            elif job_id in done.job_ids:
                self._left[job_id] -= 1

    def _note(self, job_id: int, name: str, error: Exception) -> None:
        if job_id == _OWN:
            self._failed.append(error)
        # Else its own job does it again, and says so.
        log.debug("%s failed", name, exc_info=error)

    def end(self) -> None:
        """Delete the jobs of which nothing is left.

        :raises Exception: what failed first of its own
        """
        # That it was done says facts_reaction; a job that is gone is one that nobody looks through.
        done = [job_id for job_id, left in self._left.items() if job_id != _OWN and not left]
        if done:
            ask(_DELETE, {"jobs": done})
        if self._failed:
            raise self._failed[0]


_WAITING: Final = """
SELECT id, CASE WHEN args ? 'asked' THEN args->'asked'
    ELSE jsonb_build_array(jsonb_build_array(args->'event_id', args->'reaction')) END
FROM procrastinate_jobs
WHERE status = 'todo' AND task_name = %(task)s AND attempts = 0
    AND lock IS NULL AND queueing_lock IS NULL AND (scheduled_at IS NULL OR scheduled_at <= now())
ORDER BY priority DESC, id LIMIT %(most)s
"""
_DELETE: Final = """
DELETE FROM procrastinate_jobs WHERE id = ANY(%(jobs)s::bigint[]) AND status = 'todo'
"""


@dataclass(frozen=True)
class _Done:
    job_ids: Collection[int]
    count: int
    failed: Mapping[int, Exception]


@transaction.atomic
def _take(name: str, pairs: Sequence[tuple[int, int]], *, now: datetime) -> _Done:
    """Carry out a reaction to the facts of jobs that no other worker has, by (job, event)."""
    job_ids, event_ids = zip(*pairs, strict=True)
    [rows] = ask(_TAKE, {"jobs": list(job_ids), "events": list(event_ids), "name": name})
    facts = [
        (event.pk, read(event)) for event in models(Event, (row[1:] for row in rows if row[1]))
    ]
    reaction: Callable[..., None] = import_string(name)
    failed: Mapping[int, Exception] = {}
    if len(facts) > 1:
        try:
            _many[reaction][0](facts, now=now)
        except NotAll as those:
            failed = those.failed
            ask(_UNDO, {"events": list(failed), "name": name})
    else:
        for event_id, fact in facts:
            reaction(fact, event_id=event_id, now=now)
    return _Done({_OWN, *(rows[0][0] or ())}, len(facts) - len(failed), failed)


# A second worker waits here on the unique index until the first one's transaction ends; it leaves
# out the jobs that this one has. One row without an event says which jobs are ours all the same.
_TAKE: Final = f"""
WITH mine AS (
    SELECT id FROM procrastinate_jobs
    WHERE id = ANY(%(jobs)s::bigint[]) AND status = 'todo' ORDER BY id FOR UPDATE SKIP LOCKED
), noted AS (
    INSERT INTO facts_reaction (event_id, name)
    SELECT DISTINCT asked.event_id, %(name)s::text
    FROM unnest(%(jobs)s::bigint[], %(events)s::bigint[]) AS asked (job_id, event_id)
    WHERE asked.job_id = {_OWN} OR asked.job_id IN (SELECT id FROM mine)
    ORDER BY asked.event_id
    ON CONFLICT ON CONSTRAINT facts_reaction_once DO NOTHING RETURNING event_id
)
SELECT ours.ids, {columns(Event, "e")}
FROM (SELECT array_agg(id) AS ids FROM mine) AS ours
LEFT JOIN (noted JOIN facts_event e ON e.id = noted.event_id) ON true
ORDER BY e.id
"""  # noqa: S608  # columns of a model

_UNDO: Final = """
DELETE FROM facts_reaction WHERE event_id = ANY(%(events)s::bigint[]) AND name = %(name)s
"""


def _pieces(name: str, pairs: Sequence[tuple[int, int]]) -> Iterator[Sequence[tuple[int, int]]]:
    # What goes one by one may take long, and others' jobs wait: the clock is looked at before each.
    at_most = _many.get(import_string(name), (None, 1))[1]
    for start in range(0, len(pairs), at_most):
        yield pairs[start : start + at_most]
