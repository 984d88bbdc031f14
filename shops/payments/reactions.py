"""What must follow on payments: the books. Money waits in the shop's escrow until delivery."""

import uuid
from datetime import datetime
from typing import Any

from shops.ledger.models import Kind, Side
from shops.ledger.services import Line, post
from shops.orders.models import Order
from shops.payments.events import PaymentCaptured, RefundSucceeded
from shops.payments.queries import (
    SOURCE_CAPTURE,
    SOURCE_CHARGE_BACK,
    SOURCE_REFUND,
    capture_key,
    in_escrow,
    journals_of_order,
)


class SplitDiffers(ValueError):
    """The orders of a purchase do not add up to what was captured for it."""


def post_capture(fact: PaymentCaptured, *, event_id: int, now: datetime) -> None:
    """Post a capture: from the provider's clearing account to each shop's escrow."""
    orders = list(Order.objects.filter(purchase_id=uuid.UUID(fact.purchase_id)).order_by("pk"))
    if sum(order.total_minor for order in orders) != fact.amount_minor:
        raise SplitDiffers(f"payment {fact.payment_id}")
    for order in orders:
        if order.total_minor:
            post(
                source=SOURCE_CAPTURE,
                key=capture_key(payment_id=fact.payment_id, order_id=order.pk),
                lines=_lines(order, order.total_minor, into_escrow=True),
                description=f"Order {order.number} paid",
                now=now,
            )


def post_refund(fact: RefundSucceeded, *, event_id: int, now: datetime) -> None:
    """Post a refund of an order that was not released to its shop: the capture, reversed.

    `payouts.reactions.reverse_released` is asked first, and calls this for such orders.
    """
    order = Order.objects.get(pk=fact.order_id)
    post(
        source=SOURCE_REFUND,
        key=fact.refund_id,
        lines=_lines(order, fact.amount_minor, into_escrow=False),
        description=f"Order {order.number} refunded",
        now=now,
    )


def post_charge_back(*, order: Order, payment_id: str, amount_minor: int, now: datetime) -> None:
    """Post what the buyer's bank took back of an order that was not released to its shop yet.

    It comes out of the order's escrow; what is more than that is the platform's loss.
    """
    from_escrow = min(amount_minor, max(in_escrow(journals_of_order(order)), 0))
    lines = _lines(order, from_escrow, into_escrow=False) if from_escrow else []
    if lost := amount_minor - from_escrow:
        money: dict[str, Any] = {"amount_minor": lost, "currency": order.currency}
        lines += [
            Line(kind=Kind.PSP_CLEARING, side=Side.CREDIT, **money),
            Line(kind=Kind.CHARGE_BACK_LOSS, side=Side.DEBIT, **money),
        ]
    post(
        source=SOURCE_CHARGE_BACK,
        key=capture_key(payment_id=payment_id, order_id=order.pk),
        lines=lines,
        description=f"Order {order.number} charged back",
        now=now,
    )


def _lines(order: Order, amount_minor: int, *, into_escrow: bool) -> list[Line]:
    clearing, escrow = (Side.DEBIT, Side.CREDIT) if into_escrow else (Side.CREDIT, Side.DEBIT)
    return [
        Line(
            kind=Kind.PSP_CLEARING,
            side=clearing,
            amount_minor=amount_minor,
            currency=order.currency,
        ),
        Line(
            kind=Kind.ORDER_ESCROW,
            owner=f"shop:{order.shop_id}",
            side=escrow,
            amount_minor=amount_minor,
            currency=order.currency,
        ),
    ]
