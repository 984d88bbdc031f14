"""Reads of payments, refunds and what the books say about an order."""

import uuid
from collections.abc import Iterable
from typing import Final

from shops.ledger import queries as ledger
from shops.ledger.models import Journal, Kind, Side
from shops.orders.models import Order
from shops.payments.models import Payment, PaymentState, Refund, RefundState

# It is not known yet how these end.
OPEN: Final = (
    PaymentState.CREATED,
    PaymentState.REQUIRES_ACTION,
    PaymentState.AUTHORIZED,
    PaymentState.UNKNOWN,
)
SOURCE_CAPTURE: Final = "payments.capture"
SOURCE_REFUND: Final = "payments.refund"
SOURCE_CHARGE_BACK: Final = "payments.charge_back"


def open_payment_of(purchase_id: uuid.UUID) -> Payment | None:
    """Find the attempt to pay a purchase that is under way."""
    return Payment.objects.filter(purchase_id=purchase_id, state__in=OPEN).first()


def state_of(purchase_id: uuid.UUID) -> PaymentState | None:
    """Tell how a purchase's newest payment stands; None when there was none."""
    newest = last_payment_of(purchase_id)
    return PaymentState(newest.state) if newest else None


def last_payment_of(purchase_id: uuid.UUID) -> Payment | None:
    return Payment.objects.filter(purchase_id=purchase_id).order_by("-created_at").first()


def refund_of(order_id: int) -> Refund | None:
    """Find the refund of an order that was made or is under way."""
    return Refund.objects.filter(order_id=order_id).exclude(state=RefundState.FAILED).first()


def capture_key(*, payment_id: object, order_id: int) -> str:
    return f"{payment_id}:{order_id}"


def journals_of_order(order: Order) -> list[Journal]:
    """List what was posted about an order, oldest first, with entries and accounts."""
    payments = Payment.objects.filter(purchase_id=order.purchase_id).values_list("pk", flat=True)
    captures = [capture_key(payment_id=payment, order_id=order.pk) for payment in payments]
    refunds = [str(pk) for pk in Refund.objects.filter(order=order).values_list("pk", flat=True)]
    return [
        *ledger.journals(source=SOURCE_CAPTURE, keys=captures),
        *ledger.journals(source=SOURCE_REFUND, keys=refunds),
        *ledger.journals(source=SOURCE_CHARGE_BACK, keys=captures),
    ]


def in_escrow(journals: Iterable[Journal]) -> int:
    """Sum what an order's journals have put into escrow and taken out of it."""
    return sum(
        entry.amount_minor if entry.side == Side.CREDIT else -entry.amount_minor
        for journal in journals
        for entry in journal.entries.all()
        if entry.account.kind == Kind.ORDER_ESCROW
    )
