"""What must follow on deliveries and on money that went back."""

import uuid
from collections.abc import Iterable
from datetime import datetime

from shops.ledger.models import Journal
from shops.ledger.shares import largest_remainder
from shops.orders.events import OrderDelivered
from shops.orders.models import Order
from shops.payments import reactions as payments
from shops.payments.events import ChargeBackWon, ChargedBack, RefundCameBack, RefundSucceeded
from shops.payments.models import Refund, RefundState
from shops.payments.queries import (
    SOURCE_CAPTURE,
    SOURCE_CHARGE_BACK,
    SOURCE_REFUND,
    SOURCE_UNDONE,
    SOURCE_WON,
    capture_key,
    chargeback_key,
    chargebacks_of,
)
from shops.payouts import planning, reversing
from shops.payouts.models import PostingKind, Settlement, SettlementState


def schedule(fact: OrderDelivered, *, event_id: int, now: datetime) -> None:
    """Set the day on which a delivered order's money is released."""
    planning.plan([fact.order_id], now=now)
    order = Order.objects.get(pk=fact.order_id)
    if order.delivered_at is not None:
        Settlement.objects.filter(
            order=order, state=SettlementState.WAITING, due_at__isnull=True
        ).update(due_at=planning.due_at(order.delivered_at))


def reverse_released(fact: RefundSucceeded, *, event_id: int, now: datetime) -> None:
    """Post a refund: out of escrow or, after the release, out of everybody's part of the order."""
    order = Order.objects.select_for_update().get(pk=fact.order_id)
    _wait_for_what_came_back(order)
    row = reversing.released(order)
    if row is None:
        payments.post_refund(fact, event_id=event_id, now=now)
        return
    reversing.take_back(
        order=order,
        row=row,
        amount_minor=fact.amount_minor,
        kind=PostingKind.REFUNDED,
        source=reversing.SOURCE_REFUND,
        key=fact.refund_id,
        description=f"Order {order.number} refunded",
        now=now,
    )


def post_refund_undone(fact: RefundCameBack, *, event_id: int, now: datetime) -> None:
    """Post that a refund did not arrive: its money is where it was, or would be by now."""
    order = Order.objects.select_for_update().get(pk=fact.order_id)
    given = Journal.objects.filter(
        source__in=[SOURCE_REFUND, reversing.SOURCE_REFUND], key=fact.refund_id
    ).first()
    if given is None:
        raise reversing.NotPostedYet(f"refund {fact.refund_id}")
    reversing.put_back(
        order=order,
        taken=given,
        kind=PostingKind.UNDONE,
        sources=(SOURCE_UNDONE, reversing.SOURCE_UNDONE),
        description=f"Order {order.number}: refund did not arrive",
        now=now,
    )


def post_charge_back(fact: ChargedBack, *, event_id: int, now: datetime) -> None:
    """Post a charge-back, split over the purchase's orders by what was not refunded of each.

    (By their whole price, when everything was refunded before: then the platform loses it all.)

    :raises NotPostedYet: what is taken back is not in the books yet
    """
    orders = list(
        Order.objects.select_for_update()
        .filter(purchase_id=uuid.UUID(fact.purchase_id))
        .order_by("pk")
    )
    _wait_for_capture(orders, fact.payment_id)
    weights = [order.total_minor - order.refunded_minor for order in orders]
    if not any(weights):
        weights = [order.total_minor for order in orders]
    shares = largest_remainder(fact.amount_minor, weights)
    for order, amount in zip(orders, shares, strict=True):
        _wait_for_what_came_back(order)
        if amount:
            key = chargeback_key(payment_id=fact.payment_id, order_id=order.pk, number=fact.number)
            _charge_back(order, key, amount, now=now)


def post_charge_back_won(fact: ChargeBackWon, *, event_id: int, now: datetime) -> None:
    """Post that a charge-back was won: all that it took is where it was, or would be by now.

    Then what was called off meanwhile is given back.
    """
    orders = list(
        Order.objects.select_for_update()
        .filter(purchase_id=uuid.UUID(fact.purchase_id))
        .order_by("pk")
    )
    taken = _charge_backs(orders, fact.payment_id, fact.number)
    if reversing.taken_minor(list(taken.values())) != fact.amount_minor:
        raise reversing.NotPostedYet(f"charge-back {fact.number} of payment {fact.payment_id}")
    for order in orders:
        if order.pk in taken:
            reversing.put_back(
                order=order,
                taken=taken[order.pk],
                kind=PostingKind.WON,
                sources=(SOURCE_WON, reversing.SOURCE_WON),
                description=f"Order {order.number}: charge-back won",
                now=now,
            )
    payments.give_what_was_owed(fact, event_id=event_id, now=now)


def _charge_backs(orders: Iterable[Order], payment_id: object, number: int) -> dict[int, Journal]:
    keys = {
        chargeback_key(payment_id=payment_id, order_id=order.pk, number=number): order.pk
        for order in orders
    }
    sources = [SOURCE_CHARGE_BACK, reversing.SOURCE_CHARGE_BACK]
    found = Journal.objects.filter(source__in=sources, key__in=keys)
    return {keys[journal.key]: journal for journal in found}


def _wait_for_capture(orders: Iterable[Order], payment_id: str) -> None:
    """See to it that a charge-back finds in escrow what was captured, and is nobody's loss.

    A worker does what waits kind by kind, so the capture's turn may come behind.

    :raises NotPostedYet: the capture is not in the books yet
    """
    keys = [capture_key(payment_id=payment_id, order_id=order.pk) for order in orders]
    # What was captured for all orders of a payment is posted at once.
    if not Journal.objects.filter(source=SOURCE_CAPTURE, key__in=keys).exists():
        raise reversing.NotPostedYet(f"capture of payment {payment_id}")


def _wait_for_what_came_back(order: Order) -> None:
    """See to it that money leaves the books after what it is of came back into them.

    :raises NotPostedYet: a charge-back was won, or a refund did not arrive, and the books do not
        say so yet
    """
    came = Refund.objects.filter(order=order, came_back_at__isnull=False)
    keys = [str(pk) for pk in came.values_list("pk", flat=True)]
    given = Journal.objects.filter(source__in=[SOURCE_REFUND, reversing.SOURCE_REFUND])
    undone = Journal.objects.filter(source__in=[SOURCE_UNDONE, reversing.SOURCE_UNDONE])
    if given.filter(key__in=keys).count() != undone.filter(key__in=keys).count():
        raise reversing.NotPostedYet(f"order {order.number}: a refund did not arrive")
    won = chargebacks_of(order.purchase_id).filter(won_at__isnull=False)
    for number, payment_id in enumerate(won.values_list("payment_id", flat=True), 1):
        taken = _charge_backs([order], payment_id, number)
        key = chargeback_key(payment_id=payment_id, order_id=order.pk, number=number)
        back = Journal.objects.filter(source__in=[SOURCE_WON, reversing.SOURCE_WON], key=key)
        if taken and not back.exists():
            raise reversing.NotPostedYet(f"order {order.number}: a charge-back was won")


def _charge_back(order: Order, key: str, amount_minor: int, *, now: datetime) -> None:
    row = reversing.released(order)
    if row is None:
        payments.post_charge_back(order=order, key=key, amount_minor=amount_minor, now=now)
        return
    reversing.take_back(
        order=order,
        row=row,
        amount_minor=amount_minor,
        kind=PostingKind.CHARGED_BACK,
        source=reversing.SOURCE_CHARGE_BACK,
        key=key,
        description=f"Order {order.number} charged back",
        spare_minor=_unposted_refunds(order),
        now=now,
    )


def _unposted_refunds(order: Order) -> int:
    """Sum what was refunded of a released order and is about to be posted."""
    refunds = Refund.objects.filter(order=order, state=RefundState.SUCCEEDED)
    amounts = {str(pk): amount for pk, amount in refunds.values_list("pk", "amount_minor")}
    posted = Journal.objects.filter(
        source__in=[SOURCE_REFUND, reversing.SOURCE_REFUND], key__in=list(amounts)
    )
    return sum(amounts.values()) - sum(amounts[key] for key in posted.values_list("key", flat=True))
