"""publish(): write a fact down in its transaction, queue what must follow, show it afterwards."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, TypeVar

import msgspec
from django.conf import settings
from django.db import connection, transaction
from django.utils.module_loading import import_string
from procrastinate.contrib.django import app as jobs

from shops.facts.models import Event
from shops.facts.rows import ask, ask_each

log = logging.getLogger(__name__)

# The job of tasks.py; by its name, because that one stands on this module.
REACT: Final = "facts.react"
# What must follow: an event's id, and the reaction's name.
Asked = tuple[int, str]


class Fact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of all facts: past tense, frozen, plain JSON, ids and never models."""


@dataclass(frozen=True)
class On:
    """Who reacts to a fact: dotted paths of `must` (job queue) and `show` (browsers) functions."""

    must: Sequence[str] = ()
    show: Sequence[str] = ()


class NotInTransaction(RuntimeError):
    """A fact was published outside the transaction that makes it true."""


class UnknownFact(LookupError):
    """A fact has no row in the wiring table."""


# Show reactions that take several facts at once.
_for_many: Final = set[Callable[..., object]]()
R = TypeVar("R", bound=Callable[[Sequence[Any]], None])


def for_many(reaction: R) -> R:
    """Have a show reaction called once a transaction, with all its facts, in their order.

    What it reads and tells for a hundred orders of one transaction it reads and tells at once.
    """
    _for_many.add(reaction)
    return reaction


@cache
def table() -> dict[type[Fact], On]:
    wiring: dict[type[Fact], On] = import_string(settings.FACTS_WIRING)
    return wiring


def fact_class(kind: str) -> type[Fact]:
    """Find the class of a stored fact by the name it was stored under."""
    for cls in table():
        if cls.__name__ == kind:
            return cls
    raise UnknownFact(kind)


def read(event: Event) -> Fact:
    """Rebuild the fact that an outbox row holds."""
    return msgspec.convert(event.payload, fact_class(event.kind))


def publish(fact: Fact, *, is_shown: bool = True) -> Event:
    """Record that something happened and set off what follows, all or nothing with it.

    Must reactions are queued in the caller's transaction; show reactions run after its commit, in
    this process, each once for all facts that it takes (`for_many`) or for each of them, and a
    failing one is logged and harms nobody. Who publishes faster than people
    look calls `show` later instead, for the newest of several facts (`is_shown=False`).

    :raises NotInTransaction: the caller is not in `transaction.atomic`
    :raises UnknownFact: the wiring table has no row for this class
    """
    [event] = publish_all([fact], is_shown=is_shown)
    return event


def publish_all(facts: Sequence[Fact], *, is_shown: bool = True) -> list[Event]:
    """Record several facts of one transaction, in their order: a trip for them, one for their job.

    Otherwise as `publish`, which see.
    """
    if not facts:
        return []
    found = _check(facts)
    [rows] = ask_each([_writing(facts)])
    return _follow(facts, found, rows, is_shown=is_shown)


def publish_behind(
    asked: Sequence[tuple[str, Mapping[str, Any]]], facts: Sequence[Fact], *, is_shown: bool = True
) -> list[list[Any]]:
    """Send what makes facts true, and the facts, in one trip; returns the rows of what was asked.

    For who knows beforehand what will have happened, and undoes all of it where it did not.
    Otherwise as `publish_all`.
    """
    found = _check(facts)
    *answers, rows = ask_each([*asked, _writing(facts)])
    _follow(facts, found, rows, is_shown=is_shown)
    return answers


def _check(facts: Sequence[Fact]) -> list[On]:
    if not connection.in_atomic_block:
        raise NotInTransaction(type(facts[0]).__name__)
    return [_row_of(fact) for fact in facts]


def _follow(
    facts: Sequence[Fact], found: Sequence[On], rows: Sequence[Any], *, is_shown: bool
) -> list[Event]:
    """Set off what follows on facts that were written."""
    # Ids are given in the order of the rows.
    events = [
        Event.from_db(
            connection.alias,
            ["id", "kind", "payload", "occurred_at"],
            [pk, type(fact).__name__, msgspec.to_builtins(fact), occurred_at],
        )
        for fact, (pk, occurred_at) in zip(facts, sorted(rows), strict=True)
    ]
    _queue([(event.pk, name) for event, on in zip(events, found, strict=True) for name in on.must])
    if is_shown:
        _show_later([fact for fact, on in zip(facts, found, strict=True) if on.show])
    return events


def show(*facts: Fact) -> None:
    """Run the show reactions of facts that are committed; a failing one is logged."""
    waiting: dict[str, list[Fact]] = {}
    for fact in facts:
        for name in table()[type(fact)].show:
            waiting.setdefault(name, []).append(fact)
    for name, some in waiting.items():
        _show(name, some)


class _Showing:
    """Facts of a transaction that are shown when it is committed, all at once."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []

    def __call__(self) -> None:
        show(*self.facts)


def _show_later(facts: Sequence[Fact]) -> None:
    if not facts:
        return
    # What was published under the same savepoints is committed or undone together.
    here = set(connection.savepoint_ids)
    for savepoints, callback, *_ in connection.run_on_commit:
        if isinstance(callback, _Showing) and savepoints == here:
            callback.facts += facts
            return
    showing = _Showing()
    showing.facts += facts
    transaction.on_commit(showing, robust=True)


def _row_of(fact: Fact) -> On:
    try:
        return table()[type(fact)]
    except KeyError:
        raise UnknownFact(type(fact).__name__) from None


_WRITE: Final = """
INSERT INTO facts_event (kind, payload)
SELECT kind, payload FROM ROWS FROM (
    jsonb_to_recordset(%(facts)s::jsonb) AS (kind text, payload jsonb)
) WITH ORDINALITY AS one (kind, payload, place) ORDER BY place
RETURNING id, occurred_at
"""


def _writing(facts: Sequence[Fact]) -> tuple[str, Mapping[str, Any]]:
    """Make what adds rows to the outbox; plain SQL: a big show does it dozens of times a second."""
    written = [{"kind": type(fact).__name__, "payload": fact} for fact in facts]
    return _WRITE, {"facts": msgspec.json.encode(written).decode()}


# The library's own function; making its arguments by the library takes ten times as long as this.
_QUEUE: Final = """
SELECT procrastinate_defer_jobs_v1(ARRAY[
    ROW(%(queue)s::varchar, %(task)s::varchar, %(priority)s::int, NULL, NULL,
        jsonb_build_object('asked', %(asked)s::jsonb), NULL
    )::procrastinate_job_to_defer_v1])
"""


def _queue(asked: Sequence[Asked]) -> None:
    """Queue one job for all that must follow, in its order.

    Each job is half a dozen rows that are written and deleted, and wakes the workers.
    """
    if not asked:
        return
    job = jobs.configure_task(REACT, allow_unknown=False).job
    ask(
        _QUEUE,
        {
            "queue": job.queue,
            "task": job.task_name,
            "priority": job.priority,
            "asked": msgspec.json.encode(asked).decode(),
        },
    )


def _show(name: str, facts: Sequence[Fact]) -> None:
    reaction = import_string(name)
    is_for_many = reaction in _for_many
    if is_for_many and len(facts) > 1:
        try:
            reaction(facts)
        except Exception:
            # One that can't be shown keeps no other one from that: each goes by itself.
            log.warning("show reaction %s failed for %d facts", name, len(facts))
        else:
            return
    for fact in facts:
        try:
            reaction([fact] if is_for_many else fact)
        except Exception:
            log.exception("show reaction %s failed for %s", name, type(fact).__name__)
