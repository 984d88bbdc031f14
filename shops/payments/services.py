"""Payments of purchases: the one place that other rooms call, and the door for messages."""

import uuid
from datetime import datetime

from django.db import connection, transaction

from shops.facts.refused import Invalid, NotFound
from shops.payments import providers
from shops.payments.captures import (
    BadShare,
    CaptureRefused,
    NotCapturable,
    capture,
    void,
)
from shops.payments.chargebacks import NotCapturedYet, apply_chargeback
from shops.payments.charges import (
    NotAbandonable,
    abandon,
    apply,
    ask_after,
    start,
)
from shops.payments.creating import (
    AlreadyPaid,
    BadCard,
    PaymentUnderWay,
    check_card,
    create_first,
    create_payment,
)
from shops.payments.reconciling import SETTLE_AFTER, find_chargebacks, settle_unknown
from shops.payments.refunds import (
    AmountDiffers,
    NotRefundable,
    RefundTooLarge,
    apply_refund,
    give_back,
    queue_refund,
    refund_order,
)
from shops.payments.wire import ChargeBackReport, ChargeReport

__all__ = [
    "SETTLE_AFTER",
    "AlreadyPaid",
    "AmountDiffers",
    "BadCard",
    "BadShare",
    "CaptureRefused",
    "NotAbandonable",
    "NotCapturable",
    "NotCapturedYet",
    "NotRefundable",
    "PaymentUnderWay",
    "RefundTooLarge",
    "abandon",
    "apply",
    "apply_chargeback",
    "ask_after",
    "capture",
    "check_card",
    "create_first",
    "create_payment",
    "find_chargebacks",
    "give_back",
    "queue_refund",
    "refund_order",
    "settle_unknown",
    "start",
    "take_in",
    "void",
]


@transaction.atomic
def take_in(*, message_id: str, body: bytes, provider: str = "sandbox", now: datetime) -> bool:
    """Apply a verified message of a provider once; False when it was known or is of no interest.

    :raises Invalid: not a message
    :raises NotFound: about a payment or refund that is not ours; nothing is written
    :raises AmountDiffers: see `apply`; nothing is written
    :raises NotCapturedYet: a charge-back before its capture; it comes again
    """
    try:
        report = providers.provider_of(provider).read(body)
        text = body.decode()
    except (providers.Unreadable, UnicodeDecodeError):
        raise Invalid from None
    if report is None:
        return False
    if not 0 < len(message_id) <= 80 or "\\u0000" in text:
        raise Invalid
    key = uuid.UUID(int=0) if isinstance(report, ChargeBackReport) else _key(report.key)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO payments_providermessage (provider, message_id, body)"
            " VALUES (%s, %s, %s::jsonb)"
            " ON CONFLICT ON CONSTRAINT payments_message_once DO NOTHING",
            [provider, message_id, text],
        )
        if cursor.rowcount == 0:
            return False
    if isinstance(report, ChargeBackReport):
        apply_chargeback(provider=provider, report=report, now=now)
    elif isinstance(report, ChargeReport):
        apply(payment_id=key, report=report, provider=provider, now=now)
    else:
        apply_refund(refund_id=key, report=report, provider=provider, now=now)
    return True


def _key(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise NotFound from None
