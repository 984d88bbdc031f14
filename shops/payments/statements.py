"""The SQL that every payment passes: written, read, moved, in one round trip each."""

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec

from shops.facts.rows import ask, columns, models
from shops.payments.models import Payment, PaymentState

_REASON_LENGTH: Final = 200

_READ: Final = f"""
SELECT {columns(Payment, "p")} FROM payments_payment p WHERE p.id = %(id)s
"""  # noqa: S608  # columns of a model


def read(payment_id: uuid.UUID, *, lock: bool) -> Payment | None:
    [rows] = ask(f"{_READ} FOR UPDATE" if lock else _READ, {"id": payment_id})
    return next(iter(models(Payment, rows)), None)


# In the order of ids, so that two who lock many never wait for each other.
_LOCK: Final = f"""
SELECT {columns(Payment, "p")} FROM payments_payment p
WHERE p.id = ANY(%(ids)s::uuid[]) ORDER BY p.id FOR UPDATE
"""  # noqa: S608  # columns of a model
_PATIENCE: Final = "SELECT set_config('lock_timeout', %(lock_ms)s, true);"


def lock(
    payment_ids: Collection[uuid.UUID], *, lock_seconds: float | None = None
) -> dict[uuid.UUID, Payment]:
    """Take the locks of payments and read them.

    :param lock_seconds: how long this transaction waits for any lock
    """
    values: dict[str, Any] = {"ids": "{" + ",".join(map(str, payment_ids)) + "}"}
    sql = _LOCK
    if lock_seconds is not None:
        sql = _PATIENCE + sql
        values["lock_ms"] = str(round(lock_seconds * 1000))
    rows = ask(sql, values)[-1]
    return {payment.pk: payment for payment in models(Payment, rows)}


class Moved(NamedTuple):
    """What became of a payment that is locked."""

    payment: Payment
    before: PaymentState
    reason: str
    at: datetime


class Message(NamedTuple):
    """A message of a provider's; the first two tell it from others."""

    provider: str
    id: str
    body: str


_MOVE: Final = """
WITH one AS (
    SELECT * FROM jsonb_to_recordset(%(moves)s::jsonb) AS one (
        id uuid, before text, state text, ref text, failure text, action text,
        captured_at timestamptz, captured bigint, extended_at timestamptz, reason text,
        at timestamptz)
), moved AS (
    UPDATE payments_payment p SET state = one.state, provider_ref = one.ref,
        failure_code = one.failure, action_url = one.action, captured_at = one.captured_at,
        captured_minor = one.captured, extended_at = one.extended_at
    FROM one WHERE p.id = one.id
)
INSERT INTO payments_paymentevent (payment_id, from_state, to_state, reason, at)
SELECT id, before, state, reason, at FROM one
"""
_TAKE_IN: Final = """
INSERT INTO payments_providermessage (provider, message_id, body)
SELECT provider, id, body FROM jsonb_to_recordset(%(messages)s::jsonb) AS one (
    provider text, id text, body jsonb) ORDER BY provider, id
ON CONFLICT ON CONSTRAINT payments_message_once DO NOTHING
RETURNING provider, message_id
"""


def write(moves: Sequence[Moved], *, messages: Sequence[Message]) -> set[tuple[str, str]]:
    """Write what became of payments, with their events, and the messages that told of them.

    Returns the messages that were not known, by provider and id.
    """
    sql: list[str] = []
    values: dict[str, Any] = {}
    if moves:
        sql.append(_MOVE)
        written = [
            {
                "id": payment.pk,
                "before": before.value,
                "state": PaymentState(payment.state).value,
                "ref": payment.provider_ref,
                "failure": payment.failure_code,
                "action": payment.action_url,
                "captured_at": payment.captured_at,
                "captured": payment.captured_minor,
                "extended_at": payment.extended_at,
                "reason": reason[:_REASON_LENGTH],
                "at": at,
            }
            for payment, before, reason, at in moves
        ]
        values["moves"] = msgspec.json.encode(written).decode()
    if messages:
        sql.append(_TAKE_IN)
        told = [
            {"provider": one.provider, "id": one.id, "body": msgspec.Raw(one.body.encode())}
            for one in messages
        ]
        values["messages"] = msgspec.json.encode(told).decode()
    if not sql:
        return set()
    rows = ask(";".join(sql), values)[-1]
    return {(provider, message_id) for provider, message_id in rows}
