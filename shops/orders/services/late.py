"""Purchases whose payment is late: more time for one under way, new life for one that arrived."""

import uuid
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils.translation import gettext

from shops.orders.events import OrderReopened
from shops.orders.models import OrderLine, OrderState, Purchase
from shops.orders.services.moves import PurchaseClosed, lock_purchase, move, tell
from shops.orders.services.paying import SoldOut
from shops.stock import services as stock

# A hold that is committed in the same breath.
_BRIEFLY: Final = timedelta(minutes=1)


def give_more_time(*, purchase_id: uuid.UUID, until: datetime) -> bool:
    """Let a purchase wait for its payment until then; False when it does so anyway."""
    return bool(Purchase.objects.filter(pk=purchase_id, pay_by__lt=until).update(pay_by=until))


@transaction.atomic
def reopen(*, purchase_id: uuid.UUID, now: datetime) -> None:
    """Bring an expired purchase back, unpaid, with all its units kept again, or change nothing.

    :raises PurchaseClosed: it did not expire: it was cancelled, and its buyer counts on that
    :raises SoldOut: its units went to somebody else
    """
    orders = lock_purchase(purchase_id)
    if any(order.state != OrderState.EXPIRED for order in orders):
        raise PurchaseClosed
    # What is first paid, first served was never kept: paying takes it.
    lines = list(OrderLine.objects.filter(order__in=orders, is_first_paid=False).order_by("pk"))
    for line in lines:
        # From the old one, so that a second try asks for the same hold.
        line.hold_id = uuid.uuid5(line.hold_id, "reopened")
    wanted = [
        stock.Wanted(hold_id=line.hold_id, sku_id=line.sku_id, quantity=line.quantity)
        for line in lines
    ]
    try:
        if wanted:
            stock.hold(wanted=wanted, now=now, ttl=_BRIEFLY, buyer_id=orders[0].buyer_id)
            stock.commit(hold_ids=[one.hold_id for one in wanted], now=now)
    except (stock.OutOfStock, stock.HoldExpired):
        raise SoldOut from None
    OrderLine.objects.bulk_update(lines, ["hold_id"])
    for order in orders:
        said = gettext("Paid after it had expired; the goods were still there.")
        move(order, OrderState.UNPAID, reason=said, now=now)
        tell(OrderReopened, order)
