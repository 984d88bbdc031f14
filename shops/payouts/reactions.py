"""What must follow on deliveries and on money that went back."""

import uuid
from datetime import datetime

from shops.ledger.models import Journal
from shops.ledger.shares import largest_remainder
from shops.orders.events import OrderDelivered
from shops.orders.models import Order
from shops.payments import reactions as payments
from shops.payments.events import ChargedBack, RefundSucceeded
from shops.payments.models import Refund, RefundState
from shops.payments.queries import SOURCE_REFUND
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


def post_charge_back(fact: ChargedBack, *, event_id: int, now: datetime) -> None:
    """Post a charge-back, split over the purchase's orders by what was not refunded of each.

    (By their whole price, when everything was refunded before: then the platform loses it all.)
    """
    orders = list(
        Order.objects.select_for_update()
        .filter(purchase_id=uuid.UUID(fact.purchase_id))
        .order_by("pk")
    )
    weights = [order.total_minor - order.refunded_minor for order in orders]
    if not any(weights):
        weights = [order.total_minor for order in orders]
    shares = largest_remainder(fact.amount_minor, weights)
    for order, amount in zip(orders, shares, strict=True):
        if amount:
            _charge_back(order, fact.payment_id, amount, now=now)


def _charge_back(order: Order, payment_id: str, amount_minor: int, *, now: datetime) -> None:
    row = reversing.released(order)
    if row is None:
        payments.post_charge_back(
            order=order, payment_id=payment_id, amount_minor=amount_minor, now=now
        )
        return
    reversing.take_back(
        order=order,
        row=row,
        amount_minor=amount_minor,
        kind=PostingKind.CHARGED_BACK,
        source=reversing.SOURCE_CHARGE_BACK,
        key=f"{payment_id}:{order.pk}",
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
