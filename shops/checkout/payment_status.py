"""How the payment of an order stands, in the words of its buyer."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from shops.orders.models import Order
from shops.payments.models import Payment, PaymentState
from shops.payments.queries import last_payment_of, refund_of

_WHY: dict[str, Promise] = {
    "card_declined": _("The card was declined."),
    "insufficient_funds": _("There is not enough money on the card."),
}


@dataclass(frozen=True)
class PaymentStatus:
    """`payment` is the last attempt; exactly one of the `is_` is true.

    `reason` is what the shop said when it gave the money back.
    """

    payment: Payment | None
    reason: str = ""
    is_paid: bool = False
    is_refunding: bool = False
    is_refunded: bool = False
    is_waiting: bool = False
    is_declined: bool = False
    is_over: bool = False

    @property
    def why(self) -> str | Promise:
        """Say why the last attempt failed."""
        code = self.payment.failure_code if self.payment else ""
        return _WHY.get(code, _("The payment did not go through."))


def payment_status(*, order: Order, now: datetime) -> PaymentStatus:
    """Read how the payment of an order stands; declined means that another card may be tried."""
    last = last_payment_of(order.purchase_id)
    refund = refund_of(order.pk)
    if order.refunded_minor:
        return PaymentStatus(last, refund.reason if refund else "", is_refunded=True)
    if order.is_paid and refund is not None:
        return PaymentStatus(last, refund.reason, is_refunding=True)
    if order.is_paid:
        return PaymentStatus(last, is_paid=True)
    if not order.is_unpaid:
        return PaymentStatus(last, is_over=True)
    if last is not None and last.state not in (PaymentState.FAILED, PaymentState.CANCELLED):
        return PaymentStatus(last, is_waiting=True)
    if order.purchase.pay_by <= now:
        return PaymentStatus(last, is_over=True)
    return PaymentStatus(last, is_declined=True)
