"""Charge-backs: the buyer's bank took the money, and nobody asked us."""

import logging
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from shops.facts.publishing import publish
from shops.facts.refused import NotFound, Refused
from shops.ledger.money import Money
from shops.orders import services as orders
from shops.payments.events import ChargedBack
from shops.payments.models import ChargeBack, Payment, PaymentEvent, PaymentState
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
    """Take in that money of a payment was taken back; what is known already changes nothing.

    From then on nothing can be refunded: the buyer has the money.

    :raises NotFound: no payment of ours
    :raises NotCapturedYet: the news of its capture has not arrived
    :raises AmountDiffers: another currency, or more than was captured
    """
    payment = (
        Payment.objects.select_for_update()
        .filter(provider=provider, provider_ref=report.charge_ref)
        .exclude(provider_ref="")
        .first()
    )
    if payment is None:
        raise NotFound
    known = ChargeBack.objects.filter(payment=payment).first()
    if known is not None:
        if known.provider_ref != report.ref:
            log.error("payment %s is charged back a second time: %s", payment.pk, report.ref)
        return known
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
    payment.state = PaymentState.CHARGED_BACK
    payment.save(update_fields=["state"])
    PaymentEvent.objects.create(
        payment=payment,
        from_state=PaymentState.CAPTURED,
        to_state=PaymentState.CHARGED_BACK,
        reason=report.reason[:200],
        at=now,
    )
    amount = Money(report.amount_minor, payment.currency)
    said = gettext("The buyer's bank took %(amount)s back.") % {"amount": amount}
    for order_id in payment.purchase.orders.order_by("pk").values_list("pk", flat=True):
        orders.note(order_id=order_id, text=said, now=now)
    publish(
        ChargedBack(
            payment_id=str(payment.pk),
            purchase_id=str(payment.purchase_id),
            amount_minor=report.amount_minor,
            currency=payment.currency,
        )
    )
    return made
