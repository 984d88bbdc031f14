"""Idempotency-Key (IETF draft-07): a request that is sent twice has its effect once."""

import hashlib
import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import msgspec
from django.db import DatabaseError, connection
from django.utils.translation import gettext_lazy as _

from shops.facts.models import IdempotencyKey
from shops.facts.refused import Refused
from shops.facts.rows import ask, columns, models
from shops.facts.transactions import whole

HEADER: Final = "Idempotency-Key"
LEASE: Final = timedelta(seconds=30)
_VALID = re.compile(r"[\x21-\x7e]{8,255}")


@dataclass(frozen=True)
class Answer:
    """What a request was answered; `body` is plain JSON, `is_replay` tells a remembered one."""

    status: int
    body: Mapping[str, Any]
    is_replay: bool = field(default=False, compare=False)


class KeyMissing(Refused):
    code = "idempotency_key_missing"
    message = _("This request needs an Idempotency-Key of 8 to 255 characters.")
    status = 400


class KeyReused(Refused):
    code = "idempotency_key_reused"
    message = _("This key was used for another request. Load the page again.")
    status = 422


class InFlight(Refused):
    code = "request_in_flight"
    message = _("The same request is being worked on. Try again in a moment.")
    status = 409
    retry_after = 1


class LeaseLost(Refused):
    code = "lease_lost"
    message = _("The same request was taken over by a later one.")
    status = 409
    retry_after = 1


def fingerprint(body: Mapping[str, Any]) -> str:
    """Hash a request's content; the order of its fields does not matter."""
    return hashlib.sha256(msgspec.json.encode(body, order="sorted")).hexdigest()


def with_key(
    *,
    scope: str,
    key: str,
    body: Mapping[str, Any],
    effect: Callable[[], Answer],
    lease: timedelta = LEASE,
) -> Answer:
    """Run `effect` at most once per scope and key, and give its answer to everyone who asks.

    The key is leased in a transaction of its own, so call this outside of one. The effect and its
    answer are committed together: whoever dies in between leaves neither, and when its lease has
    run out the next request with the key takes over. A refused effect frees the key: nothing
    happened, so it may be tried again. Leases go by the database's clock.

    :param scope: what the key is unique within, such as the operation and the user
    :raises KeyMissing: no usable key came with the request
    :raises KeyReused: the key came before with another body
    :raises InFlight: the first request with this key is not finished
    """
    if not _VALID.fullmatch(key):
        raise KeyMissing
    mark = fingerprint(body)
    leased_until = _lease(scope=scope, key=key, mark=mark, lease=lease)
    if leased_until is None:
        return _remembered(scope=scope, key=key, mark=mark)
    try:
        answer = _carry_out(effect, scope=scope, key=key, leased_until=leased_until)
    except BaseException:
        # With the connection gone, the lease runs out by itself.
        with suppress(DatabaseError):
            IdempotencyKey.objects.filter(
                scope=scope, key=key, leased_until=leased_until, status__isnull=True
            ).delete()
        raise
    return answer


@whole
def _carry_out(
    effect: Callable[[], Answer], *, scope: str, key: str, leased_until: datetime
) -> Answer:
    answer = effect()
    if not _remember(answer, scope=scope, key=key, leased_until=leased_until):
        raise LeaseLost
    return answer


class Claim(NamedTuple):
    """A key that a request came with, and the fingerprint of what it asks for."""

    scope: str
    key: str
    mark: str

    @classmethod
    def of(cls, *, scope: str, key: str, body: Mapping[str, Any]) -> "Claim":
        """Read a request's key.

        :raises KeyMissing: no usable key came with the request
        """
        if not _VALID.fullmatch(key):
            raise KeyMissing
        return cls(scope, key, fingerprint(body))


class Taken(Refused):
    """The request came before: `remembered` has its answer."""

    code = "request_known"
    status = 409


_CLAIM: Final = """
INSERT INTO facts_idempotencykey AS k (scope, key, fingerprint, leased_until)
SELECT scope, key, mark, clock_timestamp()
FROM jsonb_to_recordset(%(claims)s::jsonb) AS one (scope text, key text, mark text)
ORDER BY scope, key
ON CONFLICT ON CONSTRAINT facts_idempotency_once DO UPDATE SET leased_until = clock_timestamp()
WHERE k.status IS NULL AND k.leased_until <= clock_timestamp()
    AND k.fingerprint = excluded.fingerprint
RETURNING scope, key
"""


Asked = tuple[str, Mapping[str, Any]]


def claiming(claims: Sequence[Claim]) -> Asked:
    """Say what takes keys for effects that are made and answered in this very transaction.

    There is no lease; somebody else who works on one of them is waited for. `ours` reads the rows.
    """
    rows = {one[:2]: one._asdict() for one in reversed(claims)}
    return _CLAIM, {"claims": msgspec.json.encode(list(rows.values())).decode()}


def ours(claims: Sequence[Claim], rows: Collection[Sequence[Any]]) -> list[bool]:
    """Tell of each claim whether it is ours; who has one that is not is `Taken`.

    Of two equal ones the first is ours.
    """
    left = {(scope, key) for scope, key in rows}
    found = []
    for one in claims:
        found.append(one[:2] in left)
        left.discard(one[:2])
    return found


_ANSWER: Final = """
UPDATE facts_idempotencykey k SET status = one.status, answer = one.answer
FROM jsonb_to_recordset(%(answers)s::jsonb)
    AS one (scope text, key text, status int, answer jsonb)
WHERE k.scope = one.scope AND k.key = one.key
"""


def answering(answers: Sequence[tuple[Claim, Answer]]) -> Asked:
    """Say what writes down how claimed requests are answered, in their effects' transaction."""
    rows = [
        {"scope": claim.scope, "key": claim.key, "status": one.status, "answer": one.body}
        for claim, one in answers
    ]
    return _ANSWER, {"answers": msgspec.json.encode(rows).decode()}


def remembered(claim: Claim) -> Answer:
    """Find what was answered to a request that came before.

    :raises KeyReused: the key came before with another body
    :raises InFlight: the first request with this key is not finished, or was refused just now
    """
    return _remembered(scope=claim.scope, key=claim.key, mark=claim.mark)


_KEEP: Final = """
INSERT INTO facts_idempotencykey AS k (scope, key, fingerprint, leased_until, status, answer)
VALUES (%(scope)s, %(key)s, %(mark)s, clock_timestamp(), %(status)s::int, %(answer)s::jsonb)
ON CONFLICT ON CONSTRAINT facts_idempotency_once DO UPDATE
SET status = excluded.status, answer = excluded.answer
WHERE k.status IS NULL AND k.leased_until <= clock_timestamp()
    AND k.fingerprint = excluded.fingerprint
RETURNING id
"""


def make_once(
    *, scope: str, key: str, body: Mapping[str, Any], make: Callable[[], Answer]
) -> Answer:
    """Give everyone who asks with a key the answer that was made first.

    For what is the same, made once or twice: there is no lease, so of two at once both make it, and
    one answer is remembered. `make` runs outside of transactions; when it raises, the key is free.

    :raises KeyMissing, KeyReused: of the key, see `with_key`
    """
    claim = Claim.of(scope=scope, key=key, body=body)
    known = known_answer(scope=scope, key=key, body=body)
    if known is not None:
        return known
    answer = make()
    written = {"status": answer.status, "answer": json.dumps(dict(answer.body))}
    [rows] = ask(_KEEP, {**claim._asdict(), **written})
    return answer if rows else remembered(claim)


def known_answer(*, scope: str, key: str, body: Mapping[str, Any]) -> Answer | None:
    """Find what was answered to a request with this key; None when nothing was yet.

    :raises KeyMissing: no usable key came with the request
    :raises KeyReused: the key came before with another body
    """
    if not _VALID.fullmatch(key):
        raise KeyMissing
    row = _known(scope=scope, key=key)
    if row is None:
        return None
    if row.fingerprint != fingerprint(body):
        raise KeyReused
    if row.status is None or row.answer is None:
        return None
    return Answer(status=row.status, body=row.answer, is_replay=True)


# Its commit waits for no disk: what the effect's waits for is behind it, so one is not kept without
# the other, and with the effect's connection gone the lease is of no use.
_LEASE: Final = """
INSERT INTO facts_idempotencykey AS k (scope, key, fingerprint, leased_until)
SELECT %(scope)s, %(key)s, %(mark)s,
    clock_timestamp() + make_interval(secs => %(seconds)s::float8)
FROM (SELECT set_config('synchronous_commit',
    coalesce(%(waits)s::text, current_setting('synchronous_commit')), true)) AS this_transaction
ON CONFLICT ON CONSTRAINT facts_idempotency_once DO UPDATE
SET leased_until = excluded.leased_until
WHERE k.status IS NULL AND k.leased_until <= clock_timestamp()
    AND k.fingerprint = excluded.fingerprint
RETURNING leased_until
"""


def _lease(*, scope: str, key: str, mark: str, lease: timedelta) -> datetime | None:
    """Take the key when it is new or its holder's lease ran out; the end of our lease, or None."""
    values = {"scope": scope, "key": key, "mark": mark, "seconds": lease.total_seconds()}
    # Inside another transaction it would be that one's commit.
    waits = None if connection.in_atomic_block else "off"
    [rows] = ask(_LEASE, {**values, "waits": waits})
    return rows[0][0] if rows else None


_REMEMBER: Final = """
UPDATE facts_idempotencykey SET status = %(status)s::int, answer = %(answer)s::jsonb
WHERE scope = %(scope)s AND key = %(key)s AND leased_until = %(until)s AND status IS NULL
RETURNING id
"""


def _remember(answer: Answer, *, scope: str, key: str, leased_until: datetime) -> bool:
    """Write the answer down, if the lease is still ours."""
    values = {"scope": scope, "key": key, "until": leased_until, "status": answer.status}
    [rows] = ask(_REMEMBER, {**values, "answer": json.dumps(dict(answer.body))})
    return bool(rows)


_KNOWN: Final = f"""
SELECT {columns(IdempotencyKey, "k")} FROM facts_idempotencykey k
WHERE k.scope = %(scope)s AND k.key = %(key)s
"""  # noqa: S608  # columns of a model


def _known(*, scope: str, key: str) -> IdempotencyKey | None:
    [rows] = ask(_KNOWN, {"scope": scope, "key": key})
    return models(IdempotencyKey, rows)[0] if rows else None


def _remembered(*, scope: str, key: str, mark: str) -> Answer:
    row = _known(scope=scope, key=key)
    if row is None:  # freed a moment ago by a refusal: the client may try again
        raise InFlight
    if row.fingerprint != mark:
        raise KeyReused
    if row.status is None or row.answer is None:
        raise InFlight
    return Answer(status=row.status, body=row.answer, is_replay=True)
