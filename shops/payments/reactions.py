"""What must follow on payments: the books. Money waits in the shop's escrow until delivery."""

import uuid
from datetime import datetime

from shops.ledger.models import Kind, Side
from shops.ledger.services import Line, post
from shops.orders.models import Order
from shops.payments.events import PaymentCaptured, RefundSucceeded
from shops.payments.queries import SOURCE_CAPTURE, SOURCE_REFUND, capture_key


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
    """Post a refund: the capture of an order, reversed."""
    order = Order.objects.get(pk=fact.order_id)
    post(
        source=SOURCE_REFUND,
        key=fact.refund_id,
        lines=_lines(order, fact.amount_minor, into_escrow=False),
        description=f"Order {order.number} refunded",
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
