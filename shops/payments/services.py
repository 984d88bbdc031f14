"""Payments of purchases: the one place that other rooms call, and the door for messages."""

import uuid
from datetime import datetime

from django.db import transaction

from shops.facts.refused import Invalid, NotFound
from shops.facts.rows import ask_each
from shops.payments import providers, statements
from shops.payments.applying import Known, ask_of, move
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
    start_new,
)
from shops.payments.creating import (
    AlreadyPaid,
    BadCard,
    PaymentUnderWay,
    check_card,
    create_payment,
    first_of,
)
from shops.payments.creation_statements import creating
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
from shops.payments.statements import Message
from shops.payments.wire import ChargeBackReport, ChargeReport, RefundReport

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
    "create_payment",
    "creating",
    "find_chargebacks",
    "first_of",
    "give_back",
    "queue_refund",
    "refund_order",
    "settle_unknown",
    "start",
    "start_new",
    "take_in",
    "void",
]


def take_in(*, message_id: str, body: bytes, provider: str = "sandbox", now: datetime) -> bool:
    """Apply a verified message of a provider once; False when it was known or is of no interest.

    :raises Invalid: not a message
    :raises NotFound: about a payment or refund that is not ours; nothing is written
    :raises AmountDiffers: see `apply`; nothing is written
    :raises NotCapturedYet: a charge-back before its capture; it comes again
    """
    try:
        report = providers.provider_of(provider).read(body)
        message = Message(provider, message_id, body.decode())
    except (providers.Unreadable, UnicodeDecodeError):
        raise Invalid from None
    if report is None:
        return False
    if not 0 < len(message_id) <= 80 or "\\u0000" in message.body:
        raise Invalid
    if not isinstance(report, ChargeReport):
        return _take_in(message, report, now=now)
    key = _key(report.key)
    try:
        move(ask_of(report, payment_id=key, provider=provider, message=message, now=now))
    except Known:
        return False
    return True


@transaction.atomic
def _take_in(message: Message, report: RefundReport | ChargeBackReport, *, now: datetime) -> bool:
    [unknown] = ask_each(statements.write((), messages=[message]))
    if not unknown:
        return False
    if isinstance(report, ChargeBackReport):
        apply_chargeback(provider=message.provider, report=report, now=now)
    else:
        key = _key(report.key)
        apply_refund(refund_id=key, report=report, provider=message.provider, now=now)
    return True


def _key(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise NotFound from None
