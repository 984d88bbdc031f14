"""The SQL that every payment passes: written, read, moved, in one round trip each."""

import uuid
from collections.abc import Collection, Mapping, Sequence
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


def lock(payment_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Payment]:
    """Take the locks of payments and read them."""
    [rows] = ask(_LOCK, {"ids": "{" + ",".join(map(str, payment_ids)) + "}"})
    return {payment.pk: payment for payment in models(Payment, rows)}


class Moved(NamedTuple):
    """What became of a payment that is locked."""

    payment: Payment
    before: PaymentState
    reason: str
    at: datetime


Asked = tuple[str, Mapping[str, Any]]


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


def write(moves: Sequence[Moved], *, messages: Sequence[Message]) -> list[Asked]:
    """Say what writes down what became of payments, with their events, and the messages of it.

    The messages come last; their rows, provider and id, are those that were not known.
    """
    asked: list[Asked] = []
    if moves:
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
        asked.append((_MOVE, {"moves": msgspec.json.encode(written).decode()}))
    if messages:
        told = [
            {"provider": one.provider, "id": one.id, "body": msgspec.Raw(one.body.encode())}
            for one in messages
        ]
        asked.append((_TAKE_IN, {"messages": msgspec.json.encode(told).decode()}))
    return asked
