"""Payments of purchases: what is asked of the provider, and what is done about its answers.

A payment is committed before the provider hears of it, and its id is the provider's key. So however
a process dies, the same question can be asked again and nobody is charged twice.
"""

import logging
import uuid
from datetime import datetime, timedelta
from typing import Final

import msgspec
from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from shops.facts.publishing import publish
from shops.facts.refused import Invalid, NotFound, Refused
from shops.orders import services as orders
from shops.orders.models import Order, Purchase
from shops.payments import provider
from shops.payments.events import PaymentCaptured, PaymentFailed
from shops.payments.models import (
    PAYMENT_TRANSITIONS,
    Payment,
    PaymentEvent,
    PaymentState,
    Refund,
    RefundState,
)
from shops.payments.queries import OPEN
from shops.payments.refunds import AmountDiffers, apply_refund, give_back_late, send_refund
from shops.payments.refunds import refund_order as refund_order
from shops.payments.wire import ChargeReport, Message, RefundReport

log = logging.getLogger(__name__)

# The provider is asked about what is older; younger ones may still be on their way there.
SETTLE_AFTER: Final = timedelta(seconds=10)
_BATCH = 100
_GIVE_UP_AFTER = 3
_CHARGE_TYPES = frozenset({f"charge.{state}" for state in ("pending", "succeeded", "failed")})
_REFUND_TYPES = frozenset({f"refund.{state}" for state in ("pending", "succeeded", "failed")})


class PaymentUnderWay(Refused):
    code = "payment_under_way"
    message = _("A payment of this order is under way already.")


class AlreadyPaid(Refused):
    code = "already_paid"
    message = _("This order is paid already.")


class BadCard(Invalid):
    code = "bad_card"
    message = _("Choose a card to pay with.")


@transaction.atomic
def create_payment(*, purchase: Purchase, card_token: str, now: datetime) -> Payment:
    """Write down that a purchase is about to be paid; once committed, call `start`.

    :raises BadCard: no token, or none that a provider would make
    :raises AlreadyPaid: it was paid
    :raises PurchaseClosed: it was cancelled or has expired
    :raises PaymentUnderWay: it is not known yet how an earlier attempt ended
    """
    if not 0 < len(card_token) <= 80 or not card_token.isprintable():
        raise BadCard
    # Under the lock that paying, cancelling and expiring take, too.
    purchase = Purchase.objects.select_for_update().get(pk=purchase.pk)
    found = list(Order.objects.filter(purchase=purchase))
    if any(order.is_paid for order in found):
        raise AlreadyPaid
    if any(not order.is_unpaid for order in found):
        raise orders.PurchaseClosed
    if Payment.objects.filter(purchase=purchase, state__in=OPEN).exists():
        raise PaymentUnderWay
    payment = Payment.objects.create(
        purchase=purchase,
        card_token=card_token,
        currency=purchase.currency,
        amount_minor=purchase.total_minor,
        created_at=now,
    )
    PaymentEvent.objects.create(payment=payment, to_state=PaymentState.CREATED, at=now)
    return payment


def start(*, payment_id: uuid.UUID, now: datetime) -> Payment:
    """Have a committed payment charged, and apply what the provider answers at once.

    Without a clear answer it becomes `unknown`, and `settle_unknown` asks again later. Call this
    outside of any transaction. Starting a payment twice asks the provider once.
    """
    payment = _payment(payment_id)
    if payment.state != PaymentState.CREATED:
        return payment
    return _charge(payment, now=now)


def _charge(payment: Payment, *, now: datetime) -> Payment:
    try:
        report = provider.charge(
            key=payment.pk,
            amount_minor=payment.amount_minor,
            currency=payment.currency,
            card_token=payment.card_token,
        )
        return apply(payment_id=payment.pk, report=report, now=now)
    except provider.Rejected as no:
        return _move(payment.pk, PaymentState.FAILED, failure_code=no.code, now=now)
    except (provider.NoAnswer, AmountDiffers) as error:
        log.warning("payment %s: no clear answer: %s", payment.pk, error)
        return _move(payment.pk, PaymentState.UNKNOWN, reason=str(error)[:200], now=now)


def apply(*, payment_id: uuid.UUID, report: ChargeReport, now: datetime) -> Payment:
    """Move a payment on to what the provider reports; what is known already changes nothing.

    A capture marks the orders paid in the same transaction. When they were cancelled or had
    expired meanwhile, the money goes back by itself.

    :raises NotFound: no such payment
    :raises AmountDiffers: another amount or currency was captured than what was asked for
    """
    return _move(
        payment_id,
        report.payment_state,
        ref=report.ref,
        failure_code=report.failure_code,
        captured=(report.amount_minor, report.currency),
        now=now,
    )


@transaction.atomic
def _move(
    payment_id: uuid.UUID,
    to: PaymentState,
    *,
    ref: str = "",
    failure_code: str = "",
    reason: str = "",
    captured: tuple[int, str] | None = None,
    now: datetime,
) -> Payment:
    payment = _payment(payment_id, lock=True)
    before = PaymentState(payment.state)
    if to == PaymentState.CAPTURED and captured != (payment.amount_minor, payment.currency):
        raise AmountDiffers
    if to not in PAYMENT_TRANSITIONS[before]:
        return payment
    payment.state = to
    payment.provider_ref = ref or payment.provider_ref
    payment.failure_code = failure_code[:60]
    if to == PaymentState.CAPTURED:
        payment.captured_at = now
    payment.save(update_fields=["state", "provider_ref", "failure_code", "captured_at"])
    PaymentEvent.objects.create(
        payment=payment, from_state=before, to_state=to, reason=reason or failure_code, at=now
    )
    if to == PaymentState.CAPTURED:
        _captured(payment, now=now)
    elif to in (PaymentState.FAILED, PaymentState.CANCELLED):
        publish(
            PaymentFailed(
                payment_id=str(payment.pk),
                purchase_id=str(payment.purchase_id),
                code=failure_code or to.value,
            )
        )
    return payment


def _captured(payment: Payment, *, now: datetime) -> None:
    try:
        with transaction.atomic():
            orders.mark_paid(purchase_id=payment.purchase_id, now=now)
    except orders.PurchaseClosed:
        give_back_late(payment, now=now)
    publish(
        PaymentCaptured(
            payment_id=str(payment.pk),
            purchase_id=str(payment.purchase_id),
            amount_minor=payment.amount_minor,
            currency=payment.currency,
        )
    )


@transaction.atomic
def take_in(*, message_id: str, body: bytes, now: datetime) -> bool:
    """Apply a verified message of the provider once; False when it was known or is of no interest.

    :raises Invalid: not a message
    :raises NotFound: about a payment or refund that is not ours; nothing is written
    :raises AmountDiffers: see `apply`; nothing is written
    """
    try:
        message = msgspec.json.decode(body, type=Message)
        if message.type in _CHARGE_TYPES:
            report: ChargeReport | RefundReport = msgspec.json.decode(
                message.data, type=ChargeReport
            )
        elif message.type in _REFUND_TYPES:
            report = msgspec.json.decode(message.data, type=RefundReport)
        else:
            return False
        text = body.decode()
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise Invalid from None
    try:
        key = uuid.UUID(report.key)
    except ValueError:
        raise NotFound from None
    if not 0 < len(message_id) <= 80 or "\\u0000" in text:
        raise Invalid
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO payments_providermessage (provider, message_id, body)"
            " VALUES ('sandbox', %s, %s::jsonb)"
            " ON CONFLICT ON CONSTRAINT payments_message_once DO NOTHING",
            [message_id, text],
        )
        if cursor.rowcount == 0:
            return False
    if isinstance(report, ChargeReport):
        apply(payment_id=key, report=report, now=now)
    else:
        apply_refund(refund_id=key, report=report, now=now)
    return True


def settle_unknown(*, now: datetime) -> int:
    """Ask the provider about every payment and refund whose end is not known; count the settled.

    This completes what a crash, a timeout or a lost webhook left open.
    """
    old = now - SETTLE_AFTER
    # In any order, so that one that can't be settled never stands before the others.
    waiting = Payment.objects.filter(state__in=OPEN, created_at__lt=old).order_by("?")
    settled = unanswered = 0
    for payment in waiting.select_related("purchase")[:_BATCH]:
        try:
            settled += _settle(payment, now=now).state not in OPEN
            unanswered = 0
        except provider.NoAnswer as error:
            log.warning("payment %s is still unknown: %s", payment.pk, error)
            unanswered += 1
            if unanswered == _GIVE_UP_AFTER:
                return settled
        except (Refused, provider.Rejected):
            log.exception("payment %s can't be settled", payment.pk)
    open_refunds = Refund.objects.filter(
        state__in=[RefundState.CREATED, RefundState.PENDING], created_at__lt=old
    )
    for refund in open_refunds.order_by("?")[:_BATCH]:
        try:
            after = send_refund(refund_id=refund.pk, now=now)
            settled += after.state in (RefundState.SUCCEEDED, RefundState.FAILED)
        except Refused:
            log.exception("refund %s can't be settled", refund.pk)
    return settled


def _settle(payment: Payment, *, now: datetime) -> Payment:
    try:
        report = provider.find_charge(key=payment.pk)
    except provider.Unheard:
        unpaid = Order.objects.filter(purchase_id=payment.purchase_id)
        if now < payment.purchase.pay_by and all(order.is_unpaid for order in unpaid):
            return _charge(payment, now=now)
        # Too late to be of use. A request that is still under way must find the key blocked.
        report = provider.cancel_charge(key=payment.pk)
    return apply(payment_id=payment.pk, report=report, now=now)


def _payment(payment_id: uuid.UUID, *, lock: bool = False) -> Payment:
    found = Payment.objects.select_for_update() if lock else Payment.objects.all()
    payment = found.filter(pk=payment_id).first()
    if payment is None:
        raise NotFound
    return payment
