"""Refunds of orders: committed first, then asked of the provider under a key of their own."""

import logging
import uuid
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from procrastinate.contrib.django import app as jobs

from shops.accounts.models import Role, User
from shops.facts.publishing import publish
from shops.facts.refused import NotAllowed, NotFound, Refused
from shops.orders import services as orders
from shops.orders.models import Order
from shops.payments import provider
from shops.payments.events import RefundSucceeded
from shops.payments.models import REFUND_TRANSITIONS, Payment, PaymentState, Refund, RefundState
from shops.payments.wire import RefundReport

log = logging.getLogger(__name__)


class AmountDiffers(Refused):
    code = "amount_differs"
    message = _("The provider names another amount than what was asked for.")
    status = 422


class NotRefundable(Refused):
    code = "not_refundable"
    message = _("Only a paid order that was not refunded yet can be refunded.")


def refund_order(*, order_id: int, reason: str, by: User, now: datetime) -> Refund:
    """Give the whole price of a paid order back; call this outside of any transaction.

    Without a clear answer of the provider the refund stays open and `settle_unknown` goes on.

    :raises NotFound: no such order
    :raises NotAllowed: `by` is neither of the order's shop nor an operator
    :raises NotRefundable: not paid, or refunded (or being refunded) before
    """
    refund = _create_refund(order_id=order_id, reason=reason, by=by, now=now)
    return send_refund(refund_id=refund.pk, now=now)


@transaction.atomic
def _create_refund(*, order_id: int, reason: str, by: User, now: datetime) -> Refund:
    # Two who ask at once take turns here.
    order = Order.objects.select_for_update().filter(pk=order_id).first()
    if order is None:
        raise NotFound
    is_operator = by.is_superuser or by.grants.filter(role=Role.OPERATOR).exists()
    if not is_operator and not order.shop.staff.filter(user=by).exists():
        raise NotAllowed
    payment = Payment.objects.filter(
        purchase_id=order.purchase_id, state=PaymentState.CAPTURED
    ).first()
    under_way = order.refunds.filter(~Q(state=RefundState.FAILED)).exists()
    was_paid_for = order.is_paid and order.total_minor
    if payment is None or not was_paid_for or order.refunded_minor or under_way:
        raise NotRefundable
    return Refund.objects.create(
        payment=payment,
        order=order,
        amount_minor=order.total_minor,
        reason=reason[:200],
        requested_by=by,
        created_at=now,
    )


@transaction.atomic
def give_back(*, order_id: int, reason: str, now: datetime) -> Refund | None:
    """Queue the refund of a paid order that nobody has to ask for; None when there is one already.

    A refund that failed is not tried again: it is the operators'.

    :raises NotFound: no such order
    :raises NotRefundable: it was never paid for
    """
    order = Order.objects.select_for_update().filter(pk=order_id).first()
    if order is None:
        raise NotFound
    if order.refunds.exists():
        return None
    payment = Payment.objects.filter(
        purchase_id=order.purchase_id, state=PaymentState.CAPTURED
    ).first()
    if payment is None or not order.is_paid or not order.total_minor:
        raise NotRefundable
    refund = Refund.objects.create(
        payment=payment,
        order=order,
        amount_minor=order.total_minor,
        reason=reason[:200],
        created_at=now,
    )
    orders.note(order_id=order.pk, text=reason, now=now)
    jobs.configure_task("payments.give_back", allow_unknown=False).defer(refund_id=str(refund.pk))
    return refund


def send_refund(*, refund_id: uuid.UUID, now: datetime) -> Refund:
    """Have a committed refund carried out; its key makes asking again harmless."""
    refund = _refund(refund_id)
    if refund.state not in (RefundState.CREATED, RefundState.PENDING):
        return refund
    try:
        report = provider.refund(
            key=refund.pk,
            charge_key=refund.payment_id,
            amount_minor=refund.amount_minor,
            currency=refund.payment.currency,
        )
        return apply_refund(refund_id=refund.pk, report=report, now=now)
    except provider.Rejected as no:
        log.error("refund %s was rejected: %s", refund.pk, no.code)
        return _move_refund(refund.pk, RefundState.FAILED, failure_code=no.code, now=now)
    except (provider.NoAnswer, AmountDiffers) as error:
        log.warning("refund %s: no clear answer: %s", refund.pk, error)
        return refund


def apply_refund(*, refund_id: uuid.UUID, report: RefundReport, now: datetime) -> Refund:
    """Move a refund on to what the provider reports; what is known already changes nothing.

    :raises NotFound: no such refund
    :raises AmountDiffers: another amount or currency was given back than what was asked for
    """
    return _move_refund(
        refund_id,
        report.refund_state,
        ref=report.ref,
        failure_code=report.failure_code,
        given_back=(report.amount_minor, report.currency),
        now=now,
    )


@transaction.atomic
def _move_refund(
    refund_id: uuid.UUID,
    to: RefundState,
    *,
    ref: str = "",
    failure_code: str = "",
    given_back: tuple[int, str] | None = None,
    now: datetime,
) -> Refund:
    refund = _refund(refund_id, lock=True)
    currency = refund.payment.currency
    if to == RefundState.SUCCEEDED and given_back != (refund.amount_minor, currency):
        raise AmountDiffers
    if to not in REFUND_TRANSITIONS[RefundState(refund.state)]:
        return refund
    refund.state = to
    refund.provider_ref = ref or refund.provider_ref
    refund.failure_code = failure_code[:60]
    refund.save(update_fields=["state", "provider_ref", "failure_code"])
    if to == RefundState.SUCCEEDED:
        if refund.order.is_paid:
            orders.record_refund(
                order_id=refund.order_id, amount_minor=refund.amount_minor, now=now
            )
        else:
            orders.note(
                order_id=refund.order_id, text=str(_("The payment was given back.")), now=now
            )
        publish(
            RefundSucceeded(
                refund_id=str(refund.pk),
                payment_id=str(refund.payment_id),
                order_id=refund.order_id,
                amount_minor=refund.amount_minor,
                currency=currency,
            )
        )
    elif to == RefundState.FAILED:
        said = _("The provider refused to give the payment back.")
        orders.note(order_id=refund.order_id, text=str(said), now=now)
    return refund


def give_back_late(payment: Payment, *, now: datetime) -> None:
    """Queue the refunds of a purchase that was closed before its payment came."""
    for order in Order.objects.filter(purchase_id=payment.purchase_id, total_minor__gt=0):
        said = str(_("Paid after the order was closed; the payment is given back."))
        refund = Refund.objects.create(
            payment=payment,
            order=order,
            amount_minor=order.total_minor,
            reason=said,
            created_at=now,
        )
        orders.note(order_id=order.pk, text=said, now=now)
        jobs.configure_task("payments.give_back", allow_unknown=False).defer(
            refund_id=str(refund.pk)
        )


def _refund(refund_id: uuid.UUID, *, lock: bool = False) -> Refund:
    found = Refund.objects.select_related("payment", "order").filter(pk=refund_id)
    refund = (found.select_for_update(of=("self",)) if lock else found).first()
    if refund is None:
        raise NotFound
    return refund
