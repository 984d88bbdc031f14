"""What becomes of an unpaid order: paid by another card, cancelled or expired."""

import uuid
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from shops.facts.refused import NotFound, Refused
from shops.orders import services as orders
from shops.orders.models import Order, OrderState, Purchase
from shops.payments import services as payments
from shops.payments.models import Payment, PaymentState

# A payment in any other state has been, or may yet be, paid.
_NEVER_PAID: Final = (PaymentState.FAILED, PaymentState.CANCELLED)


class PayTimeOver(Refused):
    code = "pay_time_over"
    message = _("The time to pay for this order is over.")


@transaction.atomic
def retry_payment(*, number: str, buyer_id: int, card_token: str, now: datetime) -> Payment:
    """Make a new payment for an order whose last one failed; the caller starts it after commit.

    :raises NotFound: there is no such order, or it is somebody else's
    :raises NotUnpaid: it is paid, cancelled or expired
    :raises PaymentUnderWay: the last payment is not known to have failed
    :raises PayTimeOver: it should have been paid by now
    """
    purchase = _lock(number=number, buyer_id=buyer_id)
    if purchase.pay_by <= now:
        raise PayTimeOver
    return payments.create_payment(purchase=purchase, card_token=card_token, now=now)


@transaction.atomic
def cancel_order(*, number: str, buyer_id: int, now: datetime, reason: str = "") -> None:
    """Cancel an unpaid order for its buyer, with what is paid together with it.

    The buyer's own wish needs no `reason`.

    :raises NotFound: there is no such order, or it is somebody else's
    :raises NotUnpaid: it is paid, cancelled or expired
    :raises PaymentUnderWay: money may be on its way
    """
    purchase = _lock(number=number, buyer_id=buyer_id)
    order_id = purchase.orders.values_list("pk", flat=True).get(number=number)
    orders.cancel(order_id=order_id, reason=reason or gettext("Cancelled by the buyer"), now=now)


def _lock(*, number: str, buyer_id: int) -> Purchase:
    """Take an unpaid purchase that no payment is under way for."""
    found = Order.objects.filter(number=number, buyer_id=buyer_id)
    purchase = (
        Purchase.objects.select_for_update().filter(pk__in=found.values("purchase_id")).first()
    )
    if purchase is None:
        raise NotFound
    if purchase.orders.exclude(state=OrderState.UNPAID).exists():
        raise orders.NotUnpaid
    if _may_be_paid(purchase.pk).exists():
        raise payments.PaymentUnderWay
    return purchase


def expire_due_purchases(*, now: datetime, limit: int = 200) -> int:
    """Expire purchases that were not paid in time and give their stock back; returns how many.

    One whose payment may still arrive is left alone. Several sweepers may run at once. Each
    purchase is a transaction of its own: together they would take SKUs in any order.
    """
    due = Purchase.objects.filter(
        Exists(Order.objects.filter(purchase=OuterRef("pk"), state=OrderState.UNPAID)),
        ~Exists(_may_be_paid(OuterRef("pk"))),
        pay_by__lte=now,
    )
    found = list(due.order_by("pay_by").values_list("pk", flat=True)[:limit])
    return sum(_expire(purchase_id, now=now) for purchase_id in found)


@transaction.atomic
def _expire(purchase_id: uuid.UUID, *, now: datetime) -> bool:
    if not Purchase.objects.select_for_update(skip_locked=True).filter(pk=purchase_id):
        return False
    # Looked at under the lock that a new payment takes, too.
    if _may_be_paid(purchase_id).exists():
        return False
    return orders.expire(purchase_id=purchase_id, now=now)


def _may_be_paid(purchase_id: uuid.UUID | OuterRef) -> QuerySet[Payment]:
    return Payment.objects.filter(purchase=purchase_id).exclude(state__in=_NEVER_PAID)
