"""What happens next to an order and until when, in words; for its buyer and for its shop."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from shops.orders.models import Order, OrderState

Words = str | Promise


@dataclass(frozen=True)
class NextStep:
    """`text` says what comes next; `until` is when, or by when, where that is known."""

    text: Words
    until_text: Words = ""
    until: datetime | None = None


_BUYER: dict[str, Words] = {
    OrderState.ON_HOLD: _(
        "You can still cancel, and all the money goes back. The shop gets your address after that."
    ),
    OrderState.AWAITING_SHIPMENT: _(
        "The shop packs your order. If it is not shipped in time, it is cancelled by itself and "
        "all the money goes back."
    ),
    OrderState.PARTIALLY_SHIPPED: _(
        "Part of your order is on its way. If the shop does not ship the rest in time, the money "
        "for the rest goes back."
    ),
    OrderState.IN_TRANSIT: _(
        "Your order is on its way. Tell us when you have it; if nobody says otherwise, it counts "
        "as delivered some time after it was sent."
    ),
    OrderState.DELIVERED: _("Your order was delivered. Something wrong? You can send it back."),
    OrderState.COMPLETED: _("This order is completed. The time to send it back is over."),
    OrderState.CANCELLED: _("This order is cancelled. Nothing more will happen."),
    OrderState.EXPIRED: _("This order was not paid in time. Nothing was charged."),
}
_SHOP: dict[str, Words] = {
    OrderState.UNPAID: _("The buyer has not paid yet. Do not ship anything."),
    OrderState.ON_HOLD: _(
        "The buyer can still cancel. You get the address, and the order to pack, after that."
    ),
    OrderState.AWAITING_SHIPMENT: _(
        "Pack and ship it. If it is not shipped in time, it is cancelled and the buyer has the "
        "money back."
    ),
    OrderState.PARTIALLY_SHIPPED: _(
        "Ship the rest. What is not shipped in time is cancelled, and its money goes back."
    ),
    OrderState.IN_TRANSIT: _(
        "It is on its way. If neither the carrier nor the buyer tells, it counts as delivered "
        "some time after it was sent."
    ),
    OrderState.DELIVERED: _("It was delivered. The buyer can ask to send it back for a while."),
    OrderState.COMPLETED: _("It is completed. The time to send it back is over."),
    OrderState.CANCELLED: _("It is cancelled. Do not ship anything."),
    OrderState.EXPIRED: _("It was not paid in time. Its goods are for sale again."),
}


def for_buyer(order: Order) -> NextStep | None:
    """Say what an order's buyer may expect; None while it is unpaid: the payment says it."""
    text = _BUYER.get(order.state)
    return None if text is None else _step(order, text)


def for_shop(order: Order) -> NextStep:
    return _step(order, _SHOP[order.state])


def _step(order: Order, text: Words) -> NextStep:
    match order.state:
        case OrderState.ON_HOLD:
            return NextStep(text, _("Until"), order.hold_until)
        case OrderState.AWAITING_SHIPMENT | OrderState.PARTIALLY_SHIPPED:
            return NextStep(text, _("To be shipped by"), order.ship_by)
        case OrderState.IN_TRANSIT if order.shipped_at:
            days = timedelta(days=settings.DELIVERED_AFTER_DAYS)
            return NextStep(text, _("Counts as delivered from"), order.shipped_at + days)
        case OrderState.DELIVERED:
            return NextStep(text, _("Until"), order.complete_at)
    return NextStep(text)
