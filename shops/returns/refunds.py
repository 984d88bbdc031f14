"""Money of returns: owed in the decision's transaction, then asked of the payments by a job."""

import logging
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _
from procrastinate.contrib.django import app as jobs

from shops.accounts.models import User
from shops.facts.refused import NotFound, Refused
from shops.orders.models import Order
from shops.payments.queries import refundable_minor, refunds_of
from shops.payments.refunds import refund_order
from shops.returns.models import Return, ReturnRefund
from shops.returns.moving import Moved, lock, move, note
from shops.returns.states import (
    REFUND_TRANSITIONS,
    EventKind,
    RefundState,
    ReturnState,
    Side,
)

log = logging.getLogger(__name__)


def rest_minor(order: Order) -> int:
    """Count what of an order's price is still ours to give back; call it under the order's lock.

    Less what was given back, what is on its way, and what was decided and not asked for yet.
    """
    known = set(refunds_of(order.pk).values_list("source", flat=True))
    owed = ReturnRefund.objects.filter(case__order=order, state=RefundState.DUE)
    waiting = sum(refund.amount_minor for refund in owed if refund.source not in known)
    return max(0, refundable_minor(order) - waiting)


def owe(case: Return, *, amount_minor: int, reason: str, by: User | None, now: datetime) -> None:
    """Write down that money has to go back, and queue the job that sees to it; zero is nothing."""
    if amount_minor:
        refund = ReturnRefund.objects.create(
            case=case, amount_minor=amount_minor, reason=reason[:200], decided_by=by, decided_at=now
        )
        _queue(refund)


def pay_back(*, refund_id: int, now: datetime) -> None:
    """Have a decided refund carried out; call this outside of any transaction.

    Asking twice is harmless: the payments room knows it by its source. How it ended is told by
    that room's facts, also when the provider answers late.
    """
    refund = ReturnRefund.objects.select_related("case__order").get(pk=refund_id)
    if refund.state != RefundState.DUE:
        return
    if refunds_of(refund.case.order_id).filter(source=refund.source).exists():
        return
    try:
        refund_order(
            order_id=refund.case.order_id,
            amount_minor=refund.amount_minor,
            reason=refund.reason or _("Return"),
            by=None,
            source=refund.source,
            now=now,
        )
    except Refused as no:
        if no.retry_after is not None:
            raise
        log.error("refund %s of a return was refused: %s", refund.source, no.code)
        end(source=refund.source, to=RefundState.FAILED, now=now)


@transaction.atomic
def end(*, source: str, to: RefundState, now: datetime) -> None:
    """Note how a refund ended; what is no return's, or known already, changes nothing."""
    kind, _colon, number = source.partition(":")
    if kind != "return" or not number.isdecimal():
        return
    refund = ReturnRefund.objects.filter(pk=int(number)).first()
    if refund is None:
        return
    case = lock(refund.case_id)
    before = [state for state, after in REFUND_TRANSITIONS.items() if to in after]
    if not ReturnRefund.objects.filter(pk=refund.pk, state__in=before).update(state=to):
        return
    kinds = {RefundState.PAID: EventKind.PAID_BACK, RefundState.FAILED: EventKind.REFUND_FAILED}
    amount = refund.amount_minor
    is_done = to == RefundState.PAID and case.state == ReturnState.REFUNDED and not case.short_minor
    if is_done:
        # Nothing is left to dispute.
        move(
            case,
            ReturnState.CLOSED,
            kind=EventKind.PAID_BACK,
            side=Side.CLOCK,
            amount_minor=amount,
            now=now,
        )
    else:
        note(case, kind=kinds[to], side=Side.CLOCK, amount_minor=amount, now=now)


@transaction.atomic
def try_again(*, case_id: UUID, refund_id: int, by: User, now: datetime) -> None:
    """Have a refund that failed tried again, for an operator.

    :raises NotFound: no such refund of this return
    :raises Moved: it did not fail, or is tried again already
    """
    case = lock(case_id)
    refund = ReturnRefund.objects.filter(pk=refund_id, case=case).first()
    if refund is None:
        raise NotFound
    failed = ReturnRefund.objects.filter(pk=refund_id, state=RefundState.FAILED)
    if not failed.update(state=RefundState.DUE):
        raise Moved(state=case.state)
    note(
        case,
        kind=EventKind.REFUND_RETRIED,
        side=Side.OPERATOR,
        by=by,
        amount_minor=refund.amount_minor,
        now=now,
    )
    _queue(refund)


def _queue(refund: ReturnRefund) -> None:
    jobs.configure_task("returns.pay_back", allow_unknown=False).defer(refund_id=refund.pk)
