"""Charges: what is asked of a provider, and what is done about its answers.

A payment is committed before the provider hears of it, and its id is the provider's key. So however
a process dies, the same question can be asked again and nobody is charged twice.
"""

import logging
import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy

from shops.facts.publishing import publish
from shops.facts.refused import NotFound, Refused
from shops.orders import services as orders
from shops.orders.queries import first_number
from shops.payments import providers, statements
from shops.payments.events import PaymentCaptured, PaymentFailed
from shops.payments.models import PAYMENT_TRANSITIONS, Payment, PaymentState
from shops.payments.queries import OPEN, shares
from shops.payments.refunds import AmountDiffers, give_back_late
from shops.payments.wire import ChargeReport

log = logging.getLogger(__name__)

# How much longer an order waits, once, when the provider does not say how its payment ended.
MORE_TIME: Final = timedelta(minutes=10)


class NotAbandonable(Refused):
    code = "payment_not_abandonable"
    message = gettext_lazy("This payment can no longer be given up.")


def start(*, payment_id: uuid.UUID, now: datetime) -> Payment:
    """Have a committed payment charged, and apply what the provider answers at once.

    Without a clear answer it becomes `unknown`, and the reconciler asks again later. Call this
    outside of any transaction. Starting a payment twice asks the provider once.
    """
    payment = read(payment_id)
    if payment.state != PaymentState.CREATED:
        return payment
    return charge(payment, now=now)


def charge(payment: Payment, *, now: datetime) -> Payment:
    """Ask the provider to charge; with the same key as before, so a second time is harmless."""
    provider = providers.provider_of(payment.provider)
    try:
        asked = _ask(payment)
        ref = payment.provider_ref or provider.prepare(asked)
        if ref and not _keep(payment, ref):
            return read(payment.pk)  # given up meanwhile: what was prepared is never charged
        report = provider.charge(replace(asked, ref=ref))
        return apply(payment_id=payment.pk, report=report, now=now)
    except providers.Rejected as no:
        return _move(payment.pk, PaymentState.FAILED, failure_code=no.code, now=now)
    except (providers.NoAnswer, providers.Unheard, AmountDiffers) as error:
        log.warning("payment %s: no clear answer: %r", payment.pk, error)
        return _move(payment.pk, PaymentState.UNKNOWN, reason=str(error)[:200], now=now)


def apply(
    *, payment_id: uuid.UUID, report: ChargeReport, provider: str = "", now: datetime
) -> Payment:
    """Move a payment on to what the provider reports; what is known already changes nothing.

    A capture marks the orders paid in the same transaction. When they had expired meanwhile they
    come back to life if their units can be had again; else the money goes back by itself.

    :param provider: who says so, if not the one that was asked
    :raises NotFound: no such payment, or it is another provider's
    :raises AmountDiffers: another amount or currency was captured than what was asked for
    """
    return _move(
        payment_id,
        report.payment_state,
        ref=report.ref,
        failure_code=report.failure_code,
        report=report,
        provider=provider,
        now=now,
    )


def ask_after(*, payment_id: uuid.UUID, now: datetime) -> Payment:
    """Ask the provider now how an open payment stands: the buyer is back from their bank.

    Without an answer everything stays as it is; the reconciler goes on asking.
    """
    payment = read(payment_id)
    if payment.state not in OPEN:
        return payment
    provider = providers.provider_of(payment.provider)
    try:
        report = provider.find(key=payment.pk, ref=payment.provider_ref)
        return apply(payment_id=payment.pk, report=report, now=now)
    except (providers.NoAnswer, providers.Unheard, providers.Rejected, AmountDiffers) as error:
        log.warning("payment %s: asked in vain: %r", payment.pk, error)
        return payment


def abandon(*, payment_id: uuid.UUID, now: datetime) -> Payment:
    """Give a payment up that waits for its buyer, so that another card can be tried.

    :raises NotFound: no such payment
    :raises NotAbandonable: it is being charged, or its end is not known: nobody may pay twice
    """
    payment = read(payment_id)
    if payment.state not in (PaymentState.REQUIRES_ACTION, PaymentState.CANCELLED):
        raise NotAbandonable
    try:
        return cancel(payment, now=now)
    except (providers.NoAnswer, providers.Rejected):
        raise NotAbandonable from None


def cancel(payment: Payment, *, now: datetime) -> Payment:
    """Have the provider block a charge; when it was made already, take that in.

    :raises NoAnswer, Rejected: of the provider's
    """
    provider = providers.provider_of(payment.provider)
    report = provider.cancel(key=payment.pk, ref=payment.provider_ref)
    return apply(payment_id=payment.pk, report=report, now=now)


def read(payment_id: uuid.UUID, *, lock: bool = False) -> Payment:
    """Find a payment.

    :raises NotFound: there is none
    """
    payment = statements.read(payment_id, lock=lock)
    if payment is None:
        raise NotFound
    return payment


def _ask(payment: Payment) -> providers.Ask:
    path = reverse("payments:back", args=[payment.pk])
    return providers.Ask(
        key=payment.pk,
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        card_token=payment.card_token,
        return_url=f"{settings.SITE_URL.rstrip('/')}{path}",
        description=first_number(purchase_id=payment.purchase_id),
        is_manual=payment.is_manual,
        ref=payment.provider_ref,
    )


def _keep(payment: Payment, ref: str) -> bool:
    """Commit what the charge is called at the provider, before the card is asked."""
    if payment.provider_ref == ref:
        return True
    payment.provider_ref = ref
    waiting = Payment.objects.filter(pk=payment.pk, state__in=OPEN)
    return bool(waiting.update(provider_ref=ref))


@transaction.atomic
def _move(
    payment_id: uuid.UUID,
    to: PaymentState,
    *,
    ref: str = "",
    failure_code: str = "",
    reason: str = "",
    report: ChargeReport | None = None,
    provider: str = "",
    now: datetime,
) -> Payment:
    payment = read(payment_id, lock=True)
    if provider and provider != payment.provider:
        raise NotFound
    before = PaymentState(payment.state)
    if report is not None and to in (PaymentState.CAPTURED, PaymentState.AUTHORIZED):
        _check(payment, report, to)
    if to == PaymentState.CANCELLED and payment.provider_ref and not ref:
        return payment  # it got a name meanwhile: that one has to be cancelled
    if to not in PAYMENT_TRANSITIONS[before]:
        if to == PaymentState.CAPTURED and before in (PaymentState.FAILED, PaymentState.CANCELLED):
            log.error("payment %s is %s, and the provider says captured", payment.pk, before)
        return payment
    payment.state = to
    payment.provider_ref = ref or payment.provider_ref
    payment.failure_code = failure_code[:60]
    payment.action_url = report.action_url if report else ""
    if to == PaymentState.CAPTURED:
        payment.captured_at = now
        payment.captured_minor = report.taken_minor if report else payment.amount_minor
    if to == PaymentState.UNKNOWN:
        _wait_longer(payment, now=now)
    statements.move(payment, before=before, reason=reason or failure_code, now=now)
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


def _check(payment: Payment, report: ChargeReport, to: PaymentState) -> None:
    asked = (payment.amount_minor, payment.currency)
    if (report.amount_minor, report.currency) != asked:
        raise AmountDiffers
    if to == PaymentState.CAPTURED:
        least = 1 if payment.is_manual else payment.amount_minor
        if not least <= report.taken_minor <= payment.amount_minor:
            raise AmountDiffers


def _wait_longer(payment: Payment, *, now: datetime) -> None:
    """Give the purchase more time, once, however many of its payments stay without an answer."""
    of_purchase = Payment.objects.filter(purchase_id=payment.purchase_id)
    if not of_purchase.filter(extended_at__isnull=False).exists():
        payment.extended_at = now
        orders.give_more_time(purchase_id=payment.purchase_id, until=now + MORE_TIME)


def _captured(payment: Payment, *, now: datetime) -> None:
    try:
        _pay_orders(payment, now=now)
    except orders.PurchaseClosed as closed:
        if isinstance(closed, orders.SoldOut):
            orders.close_unpaid(purchase_id=payment.purchase_id, reason=str(closed), now=now)
        give_back_late(payment, now=now)
    publish(
        PaymentCaptured(
            payment_id=str(payment.pk),
            purchase_id=str(payment.purchase_id),
            amount_minor=payment.captured_minor,
            currency=payment.currency,
        )
    )


def _pay_orders(payment: Payment, *, now: datetime) -> None:
    try:
        orders.mark_paid(purchase_id=payment.purchase_id, now=now)
    except orders.SoldOut:
        raise
    except orders.PurchaseClosed:
        with transaction.atomic():
            orders.reopen(purchase_id=payment.purchase_id, now=now)
            orders.mark_paid(purchase_id=payment.purchase_id, now=now)
    if payment.captured_minor == payment.amount_minor:
        return
    said = gettext("Only a part was charged; the rest was never taken from the card.")
    for order, share_minor in shares(payment):
        if share_minor < order.total_minor:
            left = order.total_minor - share_minor
            orders.record_refund(order_id=order.pk, amount_minor=left, now=now)
            orders.note(order_id=order.pk, text=said, now=now)
