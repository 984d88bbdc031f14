"""Refunds of orders, in parts or whole: committed first, then sent under a key of their own."""

import logging
import uuid
from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _
from procrastinate.contrib.django import app as jobs

from shops.accounts.models import User
from shops.catalog.queries import is_operator
from shops.facts.publishing import publish
from shops.facts.refused import NotAllowed, NotFound, Refused
from shops.orders import services as orders
from shops.orders.models import Order
from shops.orders.services.closing import undo_refund
from shops.payments import providers
from shops.payments.events import RefundCameBack, RefundFailed, RefundSucceeded
from shops.payments.models import REFUND_TRANSITIONS, Payment, PaymentState, Refund, RefundState
from shops.payments.queries import refundable_minor, refunds_of, shares
from shops.payments.wire import RefundReport

log = logging.getLogger(__name__)


class AmountDiffers(Refused):
    code = "amount_differs"
    message = _("The provider names another amount than what was asked for.")
    status = 422


class NotRefundable(Refused):
    code = "not_refundable"
    message = _("Only a paid order of which something is left can be refunded.")


class RefundTooLarge(Refused):
    """`extra`: `left_minor`, what can still be given back."""

    code = "refund_too_large"
    message = _("More than what is left of the payment cannot be given back.")


def refund_order(
    *,
    order_id: int,
    amount_minor: int | None = None,
    reason: str,
    by: User | None,
    source: str = "",
    now: datetime,
) -> Refund:
    """Give money of an order back, all that is left or a part; call this outside of transactions.

    Without a clear answer of the provider the refund stays open and the reconciler goes on.

    :param by: who asks; None for the house itself, whom nobody stops
    :param source: what it is for ("return:12"): the same source gives back once, and a second
        call returns the first refund
    :raises NotFound: no such order
    :raises NotAllowed: `by` is neither of the order's shop nor an operator
    :raises NotRefundable: not paid, charged back, or nothing is left
    :raises RefundTooLarge: together with other refunds it is more than what was captured
    """
    with transaction.atomic(durable=True):
        refund = create_refund(
            order_id=order_id,
            amount_minor=amount_minor,
            reason=reason,
            by=by,
            source=source,
            now=now,
        )
    return send_refund(refund_id=refund.pk, now=now)


@transaction.atomic
def queue_refund(
    *,
    order_id: int,
    amount_minor: int | None = None,
    reason: str,
    by: User | None = None,
    source: str = "",
    now: datetime,
) -> Refund:
    """Do as `refund_order` does, by a job that starts when the caller's transaction is committed.

    Raises the same.
    """
    refund = create_refund(
        order_id=order_id, amount_minor=amount_minor, reason=reason, by=by, source=source, now=now
    )
    _queue(refund)
    return refund


@transaction.atomic
def create_refund(
    *,
    order_id: int,
    amount_minor: int | None,
    reason: str,
    by: User | None,
    source: str = "",
    now: datetime,
) -> Refund:
    """Write a refund down; `send_refund` or a job carries it out once that is committed."""
    # The payment first, then the order: the order in which a capture takes them.
    payment = (
        Payment.objects.select_for_update()
        .filter(purchase__orders=order_id, state=PaymentState.CAPTURED)
        .first()
    )
    # Two who ask at once take turns here.
    order = Order.objects.select_for_update().filter(pk=order_id).first()
    if order is None:
        raise NotFound
    if by and not is_operator(user=by) and not order.shop.staff.filter(user=by).exists():
        raise NotAllowed
    if source:
        known = refunds_of(order.pk).filter(source=source).first()
        if known is not None:
            return known
    left = refundable_minor(order)
    if payment is None or left <= 0:
        raise NotRefundable
    amount = left if amount_minor is None else amount_minor
    if not 0 < amount <= left:
        raise RefundTooLarge(left_minor=left)
    return _insert(payment, order, amount, reason=reason, by=by, source=source, now=now)


def _insert(
    payment: Payment,
    order: Order,
    amount_minor: int,
    *,
    reason: str,
    by: User | None = None,
    source: str = "",
    now: datetime,
) -> Refund:
    """Count a refund against what was captured, and write it down.

    :raises RefundTooLarge: there is not so much left of the payment
    """
    room = Payment.objects.filter(
        pk=payment.pk,
        state=PaymentState.CAPTURED,
        refunds_minor__lte=F("captured_minor") - amount_minor,
    )
    if not room.update(refunds_minor=F("refunds_minor") + amount_minor):
        raise RefundTooLarge(left_minor=payment.captured_minor - payment.refunds_minor)
    return Refund.objects.create(
        payment=payment,
        order=order,
        amount_minor=amount_minor,
        reason=reason[:200],
        requested_by=by,
        source=source,
        created_at=now,
    )


@transaction.atomic
def give_back(*, order_id: int, reason: str, now: datetime) -> Refund | None:
    """Queue the refund of a paid order that nobody has to ask for; None when there is one already.

    A refund that failed is not tried again: it is the operators'.

    :raises NotFound: no such order
    :raises NotRefundable: it was never paid for
    """
    if Refund.objects.filter(order_id=order_id).exists():
        return None
    refund = queue_refund(order_id=order_id, reason=reason, now=now)
    orders.note(order_id=order_id, text=reason, now=now)
    return refund


def _queue(refund: Refund) -> None:
    jobs.configure_task("payments.give_back", allow_unknown=False).defer(refund_id=str(refund.pk))


def send_refund(*, refund_id: uuid.UUID, now: datetime) -> Refund:
    """Have a committed refund carried out; its key makes asking again harmless."""
    refund = _refund(refund_id)
    if refund.state not in (RefundState.CREATED, RefundState.PENDING):
        return refund
    provider = providers.provider_of(refund.payment.provider)
    try:
        report = provider.refund(
            key=refund.pk,
            charge_key=refund.payment_id,
            charge_ref=refund.payment.provider_ref,
            amount_minor=refund.amount_minor,
            currency=refund.payment.currency,
        )
        return apply_refund(refund_id=refund.pk, report=report, now=now)
    except providers.Rejected as no:
        log.error("refund %s was rejected: %s", refund.pk, no.code)
        return _move_refund(refund.pk, RefundState.FAILED, failure_code=no.code, now=now)
    except (providers.NoAnswer, providers.Unheard, AmountDiffers) as error:
        log.warning("refund %s: no clear answer: %r", refund.pk, error)
        return refund


def apply_refund(
    *, refund_id: uuid.UUID, report: RefundReport, provider: str = "", now: datetime
) -> Refund:
    """Move a refund on to what the provider reports; what is known already changes nothing.

    One that fails after it succeeded is undone, and can be given anew.

    :param provider: who says so, if not the one that was asked
    :raises NotFound: no such refund, or it is another provider's
    :raises AmountDiffers: another amount or currency was given back than what was asked for
    """
    return _move_refund(
        refund_id,
        report.refund_state,
        ref=report.ref,
        failure_code=report.failure_code,
        given_back=(report.amount_minor, report.currency),
        provider=provider,
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
    provider: str = "",
    now: datetime,
) -> Refund:
    refund = _refund(refund_id, lock=True)
    if provider and provider != refund.payment.provider:
        raise NotFound
    currency = refund.payment.currency
    comes_back = refund.state == RefundState.SUCCEEDED and to == RefundState.FAILED
    if comes_back and given_back is None:
        return refund  # no word about this refund, but a no to asking for it once more
    is_of_money = comes_back or to == RefundState.SUCCEEDED
    if is_of_money and given_back != (refund.amount_minor, currency):
        raise AmountDiffers
    if to not in REFUND_TRANSITIONS[RefundState(refund.state)]:
        return refund
    refund.state = to
    refund.provider_ref = ref or refund.provider_ref
    refund.failure_code = failure_code[:60]
    if comes_back:
        refund.came_back_at = now
    elif to in (RefundState.SUCCEEDED, RefundState.FAILED):
        refund.ended_at = now
    refund.save(update_fields=["state", "provider_ref", "failure_code", "ended_at", "came_back_at"])
    if comes_back:
        _undo(refund, now=now)
    elif to == RefundState.SUCCEEDED:
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
        _make_room(refund)
        publish(
            RefundFailed(
                refund_id=str(refund.pk),
                payment_id=str(refund.payment_id),
                order_id=refund.order_id,
                amount_minor=refund.amount_minor,
                currency=currency,
                code=refund.failure_code,
            )
        )
        said = _("The provider refused to give the payment back.")
        orders.note(order_id=refund.order_id, text=str(said), now=now)
    return refund


def _undo(refund: Refund, *, now: datetime) -> None:
    _make_room(refund)
    undo_refund(order_id=refund.order_id, amount_minor=refund.amount_minor, now=now)
    publish(
        RefundCameBack(
            refund_id=str(refund.pk),
            payment_id=str(refund.payment_id),
            order_id=refund.order_id,
            amount_minor=refund.amount_minor,
            currency=refund.payment.currency,
            code=refund.failure_code,
        )
    )


def _make_room(refund: Refund) -> None:
    """Count a refund no more against what was captured: another one may be given."""
    Payment.objects.filter(pk=refund.payment_id).update(
        refunds_minor=F("refunds_minor") - refund.amount_minor
    )


def give_back_late(payment: Payment, *, now: datetime) -> None:
    """Queue the refunds of a purchase that was closed before its payment came."""
    said = str(_("Paid after the order was closed; the payment is given back."))
    for order, minor in shares(payment):
        if minor:
            _queue(_insert(payment, order, minor, reason=said, source="late", now=now))
            orders.note(order_id=order.pk, text=said, now=now)


def _refund(refund_id: uuid.UUID, *, lock: bool = False) -> Refund:
    found = Refund.objects.select_related("payment", "order").filter(pk=refund_id)
    refund = (found.select_for_update(of=("self",)) if lock else found).first()
    if refund is None:
        raise NotFound
    return refund
