"""How the payment of an order stands, in the words of its buyer."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Sum
from django.utils.functional import Promise

from shops.orders.models import OVER, Order
from shops.payments.models import Payment, PaymentState, Refund, RefundState
from shops.payments.queries import last_payment_of, refund_of, refunds_of
from shops.payments.words import why_not


@dataclass(frozen=True)
class PaymentStatus:
    """`payment` is the last attempt; exactly one of the `is_` is true.

    `reason` is what the shop said when it gave `given_back_minor` back.
    """

    payment: Payment | None
    reason: str = ""
    given_back_minor: int = 0
    is_paid: bool = False
    is_refunding: bool = False
    is_refunded: bool = False
    is_owed: bool = False
    is_charged_back: bool = False
    is_waiting: bool = False
    is_declined: bool = False
    is_over: bool = False

    @property
    def why(self) -> Promise:
        """Say why the last attempt failed."""
        return why_not(self.payment.failure_code if self.payment else "")

    @property
    def action_url(self) -> str:
        """Tell where the buyer confirms the payment; "" when there is nothing to confirm."""
        is_asked = self.payment and self.payment.state == PaymentState.REQUIRES_ACTION
        return self.payment.action_url if self.payment and is_asked else ""


def payment_status(*, order: Order, now: datetime) -> PaymentStatus:
    """Read how the payment of an order stands; declined means that another card may be tried."""
    last = last_payment_of(order.purchase_id)
    if last is not None and last.state == PaymentState.CHARGED_BACK:
        return PaymentStatus(last, is_charged_back=True)
    if order.is_paid or not order.is_unpaid:
        return _after(order, last)
    if last is not None and last.state not in (PaymentState.FAILED, PaymentState.CANCELLED):
        return PaymentStatus(last, is_waiting=True)
    if order.purchase.pay_by <= now:
        return PaymentStatus(last, is_over=True)
    return PaymentStatus(last, is_declined=True)


def _after(order: Order, last: Payment | None) -> PaymentStatus:
    """Read how the payment of an order stands that is paid or closed."""
    refund = refund_of(order.pk)
    # Called off, and the money came back to us: not paid and not refunded, as the buyer sees it.
    stuck = Refund.objects.filter(order=order, state=RefundState.FAILED)
    if order.state in OVER and refund is None and stuck.exists():
        return PaymentStatus(last, is_owed=True)
    if refund is None:
        is_paid = order.is_paid
        return PaymentStatus(last, is_paid=is_paid, is_over=not is_paid)
    done = refunds_of(order.pk).filter(state=RefundState.SUCCEEDED)
    given_back = done.aggregate(minor=Sum("amount_minor"))["minor"] or 0
    if given_back:
        return PaymentStatus(last, refund.reason, given_back, is_refunded=True)
    return PaymentStatus(last, refund.reason, is_refunding=True)
