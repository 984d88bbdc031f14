"""What the orders room does about facts: it writes to buyers and to shops."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext

from shops.facts.mailing import AT_MOST, send_each, send_one
from shops.facts.reacting import takes_many
from shops.ledger.money import Money
from shops.orders import carriers
from shops.orders import letter_statements as statements
from shops.orders.events import (
    LinesCancelled,
    OrderCancelled,
    OrderDelivered,
    OrderFact,
    OrderPaid,
    OrderRefunded,
    OrderRefundUndone,
    OrderReleased,
    OrderShipped,
    ShippingDue,
)
from shops.orders.links import path_of
from shops.orders.models import Order, OrderLine, Parcel

_Order = tuple[Order, list[OrderLine]]
_Orders = Mapping[int, _Order]


def send_receipts(facts: Sequence[tuple[int, OrderPaid]], *, now: datetime) -> None:
    """Mail each buyer what was paid."""
    orders = statements.orders({fact.order_id for _event_id, fact in facts})
    send_each({event_id: partial(_receipt, orders, event_id, fact) for event_id, fact in facts})


@takes_many(send_receipts, at_most=AT_MOST)
def send_receipt(fact: OrderPaid, *, event_id: int, now: datetime) -> None:
    """Mail the buyer what was paid."""
    send_one(event_id, partial(_receipt, statements.orders([fact.order_id]), event_id, fact))


def _receipt(orders: _Orders, event_id: int, fact: OrderPaid) -> EmailMessage:
    subject = gettext("Your order %(number)s is paid") % {"number": fact.number}
    return _for_buyer(orders[fact.order_id], subject, "receipt", f"order-paid-{event_id}")


def tell_shops(facts: Sequence[tuple[int, OrderReleased]], *, now: datetime) -> None:
    """Mail shops' people what they have to pack, and until when."""
    orders = statements.orders({fact.order_id for _event_id, fact in facts})
    staff = statements.staff({fact.shop_id for _event_id, fact in facts})
    send_each(
        {
            event_id: partial(_new_order, orders, staff[fact.shop_id], event_id, fact)
            for event_id, fact in facts
        }
    )


@takes_many(tell_shops, at_most=AT_MOST)
def tell_shop(fact: OrderReleased, *, event_id: int, now: datetime) -> None:
    """Mail the shop's people what they have to pack, and until when."""
    orders = statements.orders([fact.order_id])
    staff = statements.staff([fact.shop_id])[fact.shop_id]
    send_one(event_id, partial(_new_order, orders, staff, event_id, fact))


def _new_order(
    orders: _Orders, staff: list[str], event_id: int, fact: OrderReleased
) -> EmailMessage | None:
    subject = gettext("New order %(number)s") % {"number": fact.number}
    key = f"order-released-{event_id}"
    return _for_shop(
        orders[fact.order_id], subject, "new_order", key, to=staff, ship_by=fact.ship_by
    )


def remind_shop(fact: ShippingDue, *, event_id: int, now: datetime) -> None:
    """Mail the shop's people that an order will be cancelled unless they ship it."""
    order = Order.objects.get(pk=fact.order_id)
    if order.is_to_be_packed:
        subject = gettext("Ship order %(number)s soon") % {"number": fact.number}
        _to_shop(fact, subject, "ship_soon", f"order-due-{event_id}", ship_by=fact.ship_by)


def tell_shipped(fact: OrderShipped, *, event_id: int, now: datetime) -> None:
    """Mail the buyer that a parcel is on its way, and how to follow it."""
    parcel = Parcel.objects.get(pk=fact.parcel_id)
    subject = gettext("Your order %(number)s is on its way") % {"number": fact.number}
    _to_buyer(
        fact,
        subject,
        "shipped",
        f"order-shipped-{event_id}",
        parcel=parcel,
        carrier=carriers.name_of(parcel.carrier),
        follow=carriers.follow_url(parcel.carrier, parcel.tracking_number),
        inside=[one.order_line for one in parcel.lines.select_related("order_line").order_by("pk")],
        is_partial=fact.is_partial,
    )


def tell_delivered(fact: OrderDelivered, *, event_id: int, now: datetime) -> None:
    """Mail the buyer that everything came, and until when it can be sent back."""
    subject = gettext("Your order %(number)s was delivered") % {"number": fact.number}
    _to_buyer(fact, subject, "delivered", f"order-delivered-{event_id}")


def tell_cancelled(fact: OrderCancelled, *, event_id: int, now: datetime) -> None:
    """Mail the buyer of an order that was called off; and its shop, when it knew of it."""
    subject = gettext("Your order %(number)s is cancelled") % {"number": fact.number}
    more = {"reason": fact.reason, "was_paid": fact.was_paid}
    _to_buyer(fact, subject, "cancelled", f"order-cancelled-{event_id}", **more)
    if Order.objects.filter(pk=fact.order_id, released_at__isnull=False).exists():
        subject = gettext("Order %(number)s is cancelled: do not ship it") % {"number": fact.number}
        _to_shop(fact, subject, "cancelled_shop", f"order-cancelled-shop-{event_id}", **more)


def tell_lines_cancelled(fact: LinesCancelled, *, event_id: int, now: datetime) -> None:
    """Mail the buyer that part of an order will not come."""
    subject = gettext("Part of your order %(number)s will not come") % {"number": fact.number}
    order = Order.objects.get(pk=fact.order_id)
    _to_buyer(
        fact,
        subject,
        "lines_cancelled",
        f"order-lines-{event_id}",
        called_off=list(order.lines.filter(pk__in=fact.line_ids).order_by("pk")),
        amount=Money(fact.amount_minor, fact.currency),
        reason=fact.reason,
    )


def tell_refunded(fact: OrderRefunded, *, event_id: int, now: datetime) -> None:
    """Mail the buyer that money went back."""
    subject = gettext("Money back for your order %(number)s") % {"number": fact.number}
    amount = Money(fact.refunded_minor, fact.currency)
    _to_buyer(fact, subject, "refunded", f"order-refunded-{event_id}", amount=amount)


def tell_refund_undone(fact: OrderRefundUndone, *, event_id: int, now: datetime) -> None:
    """Mail the buyer and the shop's people that money back did not arrive, and what to do."""
    amount = Money(fact.amount_minor, fact.currency)
    subject = gettext("Your money back for order %(number)s did not arrive")
    subject %= {"number": fact.number}
    key = f"order-refund-undone-{event_id}"
    _to_buyer(fact, subject, "refund_undone", key, amount=amount)
    subject = gettext("Order %(number)s: give %(amount)s back again")
    subject %= {"number": fact.number, "amount": amount}
    _to_shop(fact, subject, "refund_undone_shop", f"{key}-shop", amount=amount)


def _to_buyer(fact: OrderFact, subject: str, letter: str, key: str, **more: Any) -> None:
    [order] = statements.orders([fact.order_id]).values()
    _for_buyer(order, subject, letter, key, **more).send()


def _for_buyer(order: _Order, subject: str, letter: str, key: str, **more: Any) -> EmailMessage:
    buyer = order[0].buyer
    return _write(order, letter, subject, key=key, to=[buyer.email], link=path_of(order[0]), **more)


def _to_shop(fact: OrderFact, subject: str, letter: str, key: str, **more: Any) -> None:
    [order] = statements.orders([fact.order_id]).values()
    to = statements.staff([fact.shop_id])[fact.shop_id]
    if mail := _for_shop(order, subject, letter, key, to=to, **more):
        mail.send()


def _for_shop(
    order: _Order, subject: str, letter: str, key: str, *, to: list[str], **more: Any
) -> EmailMessage | None:
    if not to:
        return None
    link = reverse("checkout:shop_order", args=[order[0].shop.slug, order[0].number])
    return _write(order, letter, subject, key=key, to=to, link=link, **more)


def _write(
    order: _Order, letter: str, subject: str, *, key: str, to: list[str], link: str, **more: Any
) -> EmailMessage:
    site = settings.SITE_URL.rstrip("/")
    context = {"order": order[0], "lines": order[1], "link": f"{site}{link}", **more}
    return EmailMessage(
        subject=subject,
        body=render_to_string(f"orders/mail/{letter}.txt", context),
        to=to,
        # A mail system that gets the same fact twice may tell so by this.
        headers={"Message-ID": f"<{key}@liveshop>"},
    )
