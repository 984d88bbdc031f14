"""Charges: what is asked of a provider, and what is done about its answers.

A payment is committed before the provider hears of it, and its id is the provider's key. So however
a process dies, the same question can be asked again and nobody is charged twice.
"""

import logging
import uuid
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Final

from django.conf import settings
from django.urls import get_script_prefix, reverse
from django.utils.translation import gettext_lazy

from shops.facts.batching import Busy, Unavailable
from shops.facts.refused import NotFound, Refused
from shops.orders.queries import first_number
from shops.payments import providers, statements
from shops.payments.applying import Ask, ask_of, move
from shops.payments.models import Payment, PaymentState
from shops.payments.queries import OPEN
from shops.payments.refunds import AmountDiffers
from shops.payments.wire import ChargeReport

log = logging.getLogger(__name__)

_ANY: Final = uuid.UUID(int=0)


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


def start_new(*, payment: Payment, number: str, now: datetime) -> Payment:
    """Do as `start`, without reading what the caller has just written and committed.

    Whatever became of it in this moment: the provider charges once for its key, or never when that
    was cancelled there, and what it answers is applied to the payment as it is then.

    :param number: of its purchase's first order
    """
    return charge(payment, number=number, now=now)


def charge(payment: Payment, *, number: str = "", now: datetime) -> Payment:
    """Ask the provider to charge; with the same key as before, so a second time is harmless.

    :param number: of the purchase's first order, where that is known
    """
    try:
        return _charge(payment, number or first_number(purchase_id=payment.purchase_id), now=now)
    except (Busy, Unavailable) as error:
        # Money may have moved, so nobody is told to try again: the webhook and the reconciler
        # bring what could not be written down now.
        log.warning("payment %s: its answer was not written down: %s", payment.pk, error.code)
        return payment


def _charge(payment: Payment, number: str, *, now: datetime) -> Payment:
    provider = providers.provider_of(payment.provider)
    try:
        asked = _ask(payment, number)
        ref = payment.provider_ref or provider.prepare(asked)
        if ref and not _keep(payment, ref):
            return read(payment.pk)  # given up meanwhile: what was prepared is never charged
        report = provider.charge(replace(asked, ref=ref))
        return apply(payment_id=payment.pk, report=report, now=now)
    except providers.Rejected as no:
        return move(Ask(payment.pk, PaymentState.FAILED, now, failure_code=no.code))
    except (providers.NoAnswer, providers.Unheard, AmountDiffers) as error:
        log.warning("payment %s: no clear answer: %r", payment.pk, error)
        return move(Ask(payment.pk, PaymentState.UNKNOWN, now, reason=str(error)))


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
    return move(ask_of(report, payment_id=payment_id, provider=provider, now=now))


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
    except (
        *(providers.NoAnswer, providers.Unheard, providers.Rejected, AmountDiffers),
        *(Busy, Unavailable),
    ) as error:
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


def _ask(payment: Payment, number: str) -> providers.Ask:
    path = _back(get_script_prefix()).replace(str(_ANY), str(payment.pk))
    return providers.Ask(
        key=payment.pk,
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        card_token=payment.card_token,
        return_url=f"{settings.SITE_URL.rstrip('/')}{path}",
        description=number,
        is_manual=payment.is_manual,
        ref=payment.provider_ref,
    )


@cache
def _back(prefix: str) -> str:
    """Make the path that a buyer comes back to, of any payment: once for where we are served."""
    return reverse("payments:back", args=[_ANY])


def _keep(payment: Payment, ref: str) -> bool:
    """Commit what the charge is called at the provider, before the card is asked."""
    if payment.provider_ref == ref:
        return True
    payment.provider_ref = ref
    waiting = Payment.objects.filter(pk=payment.pk, state__in=OPEN)
    return bool(waiting.update(provider_ref=ref))
