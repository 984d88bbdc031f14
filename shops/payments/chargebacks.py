"""Charge-backs: the buyer's bank took the money, nobody asked us; and those that the shop won."""

import logging
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from shops.facts.publishing import publish
from shops.facts.refused import NotFound, Refused
from shops.ledger.money import Money
from shops.orders import services as orders
from shops.payments.events import ChargeBackWon, ChargedBack
from shops.payments.models import (
    PAYMENT_TRANSITIONS,
    WON_TRANSITIONS,
    ChargeBack,
    Payment,
    PaymentEvent,
    PaymentState,
)
from shops.payments.refunds import AmountDiffers
from shops.payments.wire import ChargeBackReport

log = logging.getLogger(__name__)


class NotCapturedYet(Refused):
    """The provider tells things out of order; it tells this one again later."""

    code = "not_captured_yet"
    message = _("This payment is not known to be captured yet.")
    retry_after = 5


@transaction.atomic
def apply_chargeback(*, provider: str, report: ChargeBackReport, now: datetime) -> ChargeBack:
    """Take in that money of a payment was taken back, or that this was won; once each.

    From the first on nothing can be refunded: the buyer has the money. From the second on it can.

    :raises NotFound: no payment of ours
    :raises NotCapturedYet: the news of its capture has not arrived
    :raises AmountDiffers: another currency, more than was captured, or other than what was taken
    """
    payment = (
        Payment.objects.select_for_update()
        .filter(provider=provider, provider_ref=report.charge_ref)
        .exclude(provider_ref="")
        .first()
    )
    if payment is None:
        raise NotFound
    before = list(ChargeBack.objects.filter(payment=payment).order_by("pk"))
    refs = [one.provider_ref for one in before]
    if report.ref in refs:
        number = refs.index(report.ref) + 1
        made = before[number - 1]
    else:
        standing = next((one for one in before if one.won_at is None), None)
        if standing is not None:
            log.error("payment %s is charged back a second time: %s", payment.pk, report.ref)
            return standing
        number = len(before) + 1
        made = _take(payment, report, number=number, now=now)
    if report.is_won and made.won_at is None:
        _give_again(payment, made, report, number=number, now=now)
    return made


def _take(payment: Payment, report: ChargeBackReport, *, number: int, now: datetime) -> ChargeBack:
    if payment.state != PaymentState.CAPTURED:
        raise NotCapturedYet
    if report.currency != payment.currency or not 0 < report.amount_minor <= payment.captured_minor:
        raise AmountDiffers
    made = ChargeBack.objects.create(
        payment=payment,
        provider_ref=report.ref[:80],
        amount_minor=report.amount_minor,
        reason=report.reason[:60],
        told_at=now,
    )
    _move(payment, PaymentState.CHARGED_BACK, report.reason, now=now)
    said = gettext("The buyer's bank took %(amount)s back.")
    _note(payment, said % {"amount": Money(report.amount_minor, payment.currency)}, now=now)
    publish(
        ChargedBack(
            payment_id=str(payment.pk),
            purchase_id=str(payment.purchase_id),
            amount_minor=report.amount_minor,
            currency=payment.currency,
            number=number,
        )
    )
    return made


def _give_again(
    payment: Payment, made: ChargeBack, report: ChargeBackReport, *, number: int, now: datetime
) -> None:
    if (report.amount_minor, report.currency) != (made.amount_minor, payment.currency):
        raise AmountDiffers
    made.won_at = now
    made.save(update_fields=["won_at"])
    _move(payment, PaymentState.CAPTURED, gettext("Charge-back won"), now=now)
    said = gettext("The bank decided for the shop and gave %(amount)s back.")
    _note(payment, said % {"amount": Money(made.amount_minor, payment.currency)}, now=now)
    publish(
        ChargeBackWon(
            payment_id=str(payment.pk),
            purchase_id=str(payment.purchase_id),
            amount_minor=made.amount_minor,
            currency=payment.currency,
            number=number,
        )
    )


def _move(payment: Payment, to: PaymentState, reason: str, *, now: datetime) -> None:
    before = PaymentState(payment.state)
    if to not in PAYMENT_TRANSITIONS[before] | WON_TRANSITIONS.get(before, frozenset()):
        raise NotCapturedYet
    payment.state = to
    payment.save(update_fields=["state"])
    PaymentEvent.objects.create(
        payment=payment, from_state=before, to_state=to, reason=reason[:200], at=now
    )


def _note(payment: Payment, text: str, *, now: datetime) -> None:
    for order_id in payment.purchase.orders.order_by("pk").values_list("pk", flat=True):
        orders.note(order_id=order_id, text=text, now=now)
