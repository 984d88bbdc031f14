"""The SQL of new payments: all of a batch in one trip."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from shops.payments.models import Payment, PaymentState

_CREATE: Final = """
WITH made AS (
    INSERT INTO payments_payment (
        id, purchase_id, provider, provider_ref, card_token, state, failure_code, currency,
        amount_minor, captured_minor, refunds_minor, is_manual, action_url, created_at)
    SELECT id, purchase_id, provider, '', card_token, %(state)s, '', currency,
        amount_minor, 0, 0, is_manual, '', created_at
    FROM jsonb_to_recordset(%(payments)s::jsonb) AS one (
        id uuid, purchase_id uuid, provider text, card_token text, currency text,
        amount_minor bigint, is_manual bool, created_at timestamptz)
    ORDER BY id
    RETURNING id, created_at
)
INSERT INTO payments_paymentevent (payment_id, from_state, to_state, reason, at)
SELECT id, '', %(state)s, '', created_at FROM made
"""


def creating(payments: Sequence[Payment]) -> tuple[str, Mapping[str, Any]]:
    """Say what writes new payments, about which nothing is known yet, with their first events."""
    rows = [
        {
            "id": one.pk,
            "purchase_id": one.purchase_id,
            "provider": one.provider,
            "card_token": one.card_token,
            "currency": one.currency,
            "amount_minor": one.amount_minor,
            "is_manual": one.is_manual,
            "created_at": one.created_at,
        }
        for one in payments
    ]
    written = msgspec.json.encode(rows).decode()
    return _CREATE, {"payments": written, "state": PaymentState.CREATED.value}
