"""Undo what was put in carts, kept and ordered under a referral, as if it had been a trial.

Money goes back by an ordinary refund, stock by the ordinary ways of orders and quotes.
"""

import logging
from datetime import datetime

from django.db import transaction

from shops.checkout.models import Quote, QuoteLine
from shops.checkout.services.carts import take_out_referred
from shops.checkout.services.ending import cancel_order
from shops.checkout.services.quotes import cancel_quote
from shops.facts.refused import Refused
from shops.orders.models import BEFORE_SHIPPING, Order, OrderLine, OrderState
from shops.payments.refunds import give_back

log = logging.getLogger(__name__)


def void(*, referral_prefix: str, reason: str, now: datetime) -> int:
    """Undo all that referrals with this beginning brought; returns how many orders are still open.

    An order with one such line goes back whole, and so does what was to be paid together with it.
    One whose payment is not known yet stays open: call this again later, which is harmless.
    """
    if not referral_prefix:
        raise ValueError("everything would be undone")
    take_out_referred(referral_prefix=referral_prefix, now=now)
    kept = QuoteLine.objects.filter(
        referral__startswith=referral_prefix, quote__state=Quote.State.OPEN
    )
    for quote_id, buyer_id in sorted(set(kept.values_list("quote_id", "quote__buyer_id"))):
        cancel_quote(quote_id=quote_id, buyer_id=buyer_id, now=now)
    lines = OrderLine.objects.filter(referral__startswith=referral_prefix).exclude(referral="")
    open_orders = Order.objects.filter(
        pk__in=lines.values("order_id"),
        state__in=[OrderState.UNPAID, *BEFORE_SHIPPING],
        refunds__isnull=True,
    )
    left = 0
    for order in open_orders.order_by("pk"):
        try:
            _undo(order.pk, reason=reason, now=now)
        except Refused as refused:
            log.info("order %s is not undone yet: %s", order.number, refused.code)
            left += 1
    return left


@transaction.atomic
def _undo(order_id: int, *, reason: str, now: datetime) -> None:
    order = Order.objects.get(pk=order_id)  # an order before it may have taken it along
    if order.is_paid:
        give_back(order_id=order_id, reason=reason, now=now)
    elif order.is_unpaid:
        cancel_order(number=order.number, buyer_id=order.buyer_id, now=now, reason=reason)
