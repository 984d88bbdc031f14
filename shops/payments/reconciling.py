"""The reconciler: it asks the provider about all that is open, and completes or ends it."""

import logging
from collections import Counter
from datetime import datetime, timedelta
from typing import Final

from shops.facts.refused import Refused
from shops.orders.models import Order
from shops.payments import providers
from shops.payments.captures import carry_out
from shops.payments.chargebacks import apply_chargeback
from shops.payments.charges import apply, cancel, charge
from shops.payments.models import ChargeBack, Payment, PaymentState, Refund, RefundState
from shops.payments.queries import OPEN, OPEN_REFUNDS
from shops.payments.refunds import send_refund

log = logging.getLogger(__name__)

# The provider is asked about what is older; younger ones may still be on their way there.
SETTLE_AFTER: Final = timedelta(seconds=10)
# Banks let an authorisation go by themselves after about a week.
AUTHORIZATION_LASTS: Final = timedelta(days=6)
# How far back the provider is asked for charge-backs whose message was lost.
CHARGEBACKS_SINCE: Final = timedelta(days=2)
# Banks take months to decide one.
DECIDED_WITHIN: Final = timedelta(days=180)
_BATCH = 100
_GIVE_UP_AFTER = 3


def settle_unknown(*, now: datetime) -> int:
    """Ask the provider about every payment and refund whose end is not known; count the settled.

    This completes what a crash, a timeout or a lost webhook left open.
    """
    old = now - SETTLE_AFTER
    # In any order, so that one that can't be settled never stands before the others.
    waiting = Payment.objects.filter(state__in=OPEN, created_at__lt=old).order_by("?")
    settled = 0
    unanswered = Counter[str]()
    for payment in waiting.select_related("purchase")[:_BATCH]:
        # One provider that is away keeps nobody from asking another one.
        if unanswered[payment.provider] == _GIVE_UP_AFTER:
            continue
        try:
            settled += _settle(payment, now=now).state not in OPEN
            unanswered[payment.provider] = 0
        except providers.NoAnswer as error:
            log.warning("payment %s is still unknown: %s", payment.pk, error)
            unanswered[payment.provider] += 1
        except Exception:
            log.exception("payment %s can't be settled", payment.pk)
    open_refunds = Refund.objects.filter(state__in=OPEN_REFUNDS, created_at__lt=old)
    for refund in open_refunds.select_related("payment").order_by("?")[:_BATCH]:
        if unanswered[refund.payment.provider] == _GIVE_UP_AFTER:
            continue
        try:
            after = send_refund(refund_id=refund.pk, now=now)
            settled += after.state in (RefundState.SUCCEEDED, RefundState.FAILED)
        except Exception:
            log.exception("refund %s can't be settled", refund.pk)
    return settled


def find_chargebacks(*, now: datetime, within: timedelta = CHARGEBACKS_SINCE) -> int:
    """Ask the providers for charge-backs of late, and for those of them that were won.

    Returns of how many nobody had told us.
    """
    since = now - within
    asked = (_find_chargebacks(one, since=since, now=now) for one in providers.switched_on())
    return sum(asked)


def _find_chargebacks(provider: providers.Provider, *, since: datetime, now: datetime) -> int:
    try:
        told = provider.chargebacks(since=since)
    except (providers.NoAnswer, providers.Rejected, providers.Unheard) as error:
        log.warning("charge-backs could not be asked for: %r", error)
        return 0
    known = dict(
        ChargeBack.objects.filter(
            payment__provider=provider.name, provider_ref__in=[one.ref for one in told]
        ).values_list("provider_ref", "won_at")
    )
    new = 0
    for report in told:
        if report.ref in known and (known[report.ref] or not report.is_won):
            continue
        try:
            made = apply_chargeback(provider=provider.name, report=report, now=now)
            new += made.provider_ref == report.ref
        except Refused as refused:
            log.warning("charge-back %s can't be taken in: %s", report.ref, refused.code)
    return new


def _settle(payment: Payment, *, now: datetime) -> Payment:
    orders = list(Order.objects.filter(purchase_id=payment.purchase_id))
    is_wanted = now < payment.purchase.pay_by and all(order.is_unpaid for order in orders)
    if payment.state == PaymentState.AUTHORIZED:
        return _settle_authorized(payment, orders, now=now)
    try:
        provider = providers.provider_of(payment.provider)
        report = provider.find(key=payment.pk, ref=payment.provider_ref)
    except providers.Unheard:
        if is_wanted:
            return charge(payment, now=now)
        # Too late to be of use. A request that is still under way must find the key blocked.
        return cancel(payment, now=now)
    if report.payment_state == PaymentState.REQUIRES_ACTION and not is_wanted:
        return cancel(payment, now=now)  # its buyer did not come back in time
    return apply(payment_id=payment.pk, report=report, now=now)


def _settle_authorized(payment: Payment, orders: list[Order], *, now: datetime) -> Payment:
    if payment.capture_asked_minor is not None:
        return carry_out(payment, now=now)
    is_over = now >= payment.created_at + AUTHORIZATION_LASTS
    if is_over or any(not order.is_unpaid for order in orders):
        return cancel(payment, now=now)
    return payment
