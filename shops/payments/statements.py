"""The SQL that every payment passes: written, read, moved, in one round trip each."""

import uuid
from datetime import datetime
from typing import Final

from shops.facts.rows import ask, columns, models
from shops.payments.models import Payment, PaymentState

_READ: Final = f"""
SELECT {columns(Payment, "p")} FROM payments_payment p WHERE p.id = %(id)s
"""  # noqa: S608  # columns of a model


def read(payment_id: uuid.UUID, *, lock: bool) -> Payment | None:
    [rows] = ask(f"{_READ} FOR UPDATE" if lock else _READ, {"id": payment_id})
    return next(iter(models(Payment, rows)), None)


_MOVE: Final = """
WITH moved AS (
    UPDATE payments_payment SET state = %(to)s, provider_ref = %(ref)s, failure_code = %(failure)s,
        action_url = %(action)s, captured_at = %(captured_at)s, captured_minor = %(captured)s,
        extended_at = %(extended_at)s
    WHERE id = %(id)s RETURNING id
)
INSERT INTO payments_paymentevent (payment_id, from_state, to_state, reason, at)
SELECT id, %(before)s, %(to)s, %(reason)s, %(now)s FROM moved
"""


def move(payment: Payment, *, before: PaymentState, reason: str, now: datetime) -> None:
    """Write what became of a payment that the caller has locked, and append the event."""
    ask(
        _MOVE,
        {
            "id": payment.pk,
            "before": before.value,
            "to": PaymentState(payment.state).value,
            "ref": payment.provider_ref,
            "failure": payment.failure_code,
            "action": payment.action_url,
            "captured_at": payment.captured_at,
            "captured": payment.captured_minor,
            "extended_at": payment.extended_at,
            "reason": reason,
            "now": now,
        },
    )
