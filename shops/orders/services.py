"""Place orders and move them through their states; each move appends an event and tells of it."""

import secrets
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from shops.catalog.models import Sku
from shops.facts.publishing import publish
from shops.facts.refused import NotFound, Refused
from shops.orders.events import (
    OrderCancelled,
    OrderExpired,
    OrderFact,
    OrderPaid,
    OrderPlaced,
    OrderRefunded,
)
from shops.orders.models import (
    ORDER_TRANSITIONS,
    Order,
    OrderEvent,
    OrderLine,
    OrderState,
    Purchase,
)
from shops.stock import services as stock

# No 0/O, 1/I/L, U: read aloud and typed without mistakes.
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(frozen=True)
class LineToPlace:
    """Units of one SKU at a price that was promised; `hold_id` keeps them."""

    sku_id: int
    hold_id: uuid.UUID
    quantity: int
    unit_price_minor: int
    referral: str = ""


class PurchaseClosed(Refused):
    code = "purchase_closed"
    message = _("This order is closed. It can no longer be paid.")


class NotUnpaid(Refused):
    code = "order_not_unpaid"
    message = _("This order is no longer waiting for payment.")


class RefundTooLarge(Refused):
    code = "refund_too_large"
    message = _("More than what was paid cannot be given back.")


def new_number() -> str:
    """Make a short order number that can't be guessed (30⁸ of them)."""
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(8))
    return f"LS-{letters[:4]}-{letters[4:]}"


@transaction.atomic
def place(
    *,
    buyer_id: int,
    quote_id: uuid.UUID,
    lines: Sequence[LineToPlace],
    address: Mapping[str, Any],
    currency: str,
    now: datetime,
    pay_by: datetime,
) -> Purchase:
    """Write down a purchase: one unpaid order per shop, its lines with frozen price and rates."""
    skus = {
        sku.pk: sku
        for sku in Sku.objects.select_related("product__shop").filter(
            pk__in=[line.sku_id for line in lines]
        )
    }
    purchase = Purchase.objects.create(
        buyer_id=buyer_id,
        quote_id=quote_id,
        currency=currency,
        total_minor=_sum(lines),
        placed_at=now,
        pay_by=pay_by,
    )
    by_shop: dict[int, list[LineToPlace]] = {}
    for line in lines:
        by_shop.setdefault(skus[line.sku_id].product.shop_id, []).append(line)
    for shop_id, shop_lines in sorted(by_shop.items()):
        order = Order.objects.create(
            number=new_number(),
            purchase=purchase,
            shop_id=shop_id,
            buyer_id=buyer_id,
            currency=currency,
            total_minor=_sum(shop_lines),
            address=dict(address),
            placed_at=now,
        )
        OrderLine.objects.bulk_create(
            OrderLine(
                order=order,
                sku=skus[line.sku_id],
                hold_id=line.hold_id,
                title=skus[line.sku_id].product.title,
                options_text=skus[line.sku_id].options_text,
                quantity=line.quantity,
                unit_price_minor=line.unit_price_minor,
                referral=line.referral,
                fee_bps=settings.PLATFORM_FEE_BPS,
                # Nobody brought a sale without a referral, so nobody earns commission on it.
                commission_bps=settings.COMMISSION_BPS if line.referral else 0,
            )
            for line in shop_lines
        )
        OrderEvent.objects.create(order=order, to_state=OrderState.UNPAID, at=now)
        _tell(OrderPlaced, order)
    return purchase


@transaction.atomic
def mark_paid(*, purchase_id: uuid.UUID, now: datetime) -> bool:
    """Move all orders of a purchase to "paid"; False when they were paid before.

    :raises PurchaseClosed: they were cancelled or had expired: the money has to go back
    """
    orders = _lock(purchase_id)
    if all(order.is_paid for order in orders):
        return False
    if any(not order.is_unpaid for order in orders):
        raise PurchaseClosed
    for order in orders:
        _move(order, OrderState.AWAITING_SHIPMENT, reason="", now=now, paid_at=now)
        _tell(OrderPaid, order)
    return True


@transaction.atomic
def cancel(*, order_id: int, reason: str, now: datetime) -> None:
    """Cancel an unpaid purchase, with all its orders, and give its stock back.

    :raises NotUnpaid: it was paid, cancelled or expired before
    """
    try:
        purchase_id = Order.objects.values_list("purchase_id", flat=True).get(pk=order_id)
    except Order.DoesNotExist:
        raise NotFound from None
    orders = _lock(purchase_id)
    if any(not order.is_unpaid for order in orders):
        raise NotUnpaid
    for order in orders:
        _move(order, OrderState.CANCELLED, reason=reason, now=now)
        _tell(OrderCancelled, order)
    _give_back(orders, now=now)


@transaction.atomic
def expire(*, purchase_id: uuid.UUID, now: datetime) -> bool:
    """Expire a purchase that was not paid in time and give its stock back; False when not due.

    The caller makes sure that no payment of it is under way.
    """
    orders = _lock(purchase_id)
    if any(not order.is_unpaid or order.purchase.pay_by > now for order in orders):
        return False
    for order in orders:
        _move(order, OrderState.EXPIRED, reason="", now=now)
        _tell(OrderExpired, order)
    _give_back(orders, now=now)
    return True


@transaction.atomic
def record_refund(*, order_id: int, amount_minor: int, now: datetime) -> None:
    """Note money that went back to the buyer; a full refund cancels the order, stock included.

    :raises RefundTooLarge: more than what was paid for the order would have gone back
    """
    if amount_minor <= 0:
        raise RefundTooLarge
    changed = Order.objects.filter(
        pk=order_id,
        paid_at__isnull=False,
        refunded_minor__lte=F("total_minor") - amount_minor,
    ).update(refunded_minor=F("refunded_minor") + amount_minor)
    if not changed:
        raise RefundTooLarge
    order = Order.objects.select_related("purchase").get(pk=order_id)
    if order.is_refunded and order.state == OrderState.AWAITING_SHIPMENT:
        _move(order, OrderState.CANCELLED, reason=str(_("Refunded")), now=now)
        _give_back([order], now=now)
    _tell(OrderRefunded, order, refunded_minor=order.refunded_minor)


@transaction.atomic
def note(*, order_id: int, text: str, now: datetime) -> None:
    """Append to an order's history what happened to it without changing its state."""
    order = Order.objects.filter(pk=order_id).first()
    if order is None:
        raise NotFound
    OrderEvent.objects.create(
        order=order, from_state=order.state, to_state=order.state, reason=text[:200], at=now
    )


def _sum(lines: Iterable[LineToPlace]) -> int:
    return sum(line.quantity * line.unit_price_minor for line in lines)


def _lock(purchase_id: uuid.UUID) -> list[Order]:
    """Read a purchase's orders under its lock: payment, cancellation and expiry take turns."""
    if not Purchase.objects.select_for_update().filter(pk=purchase_id):
        raise NotFound
    return list(
        Order.objects.select_related("purchase").filter(purchase_id=purchase_id).order_by("pk")
    )


def _move(order: Order, to: OrderState, *, reason: str, now: datetime, **fields: Any) -> None:
    """Compare-and-set an order's state and append the event."""
    before = OrderState(order.state)
    if to not in ORDER_TRANSITIONS[before]:
        raise PurchaseClosed
    if not Order.objects.filter(pk=order.pk, state=before).update(state=to, **fields):
        raise PurchaseClosed
    order.state = to
    for name, value in fields.items():
        setattr(order, name, value)
    OrderEvent.objects.create(order=order, from_state=before, to_state=to, reason=reason, at=now)


def _give_back(orders: Sequence[Order], *, now: datetime) -> None:
    holds = OrderLine.objects.filter(order__in=orders).values_list("hold_id", flat=True)
    stock.give_back(hold_ids=list(holds), now=now)


def _tell(kind: type[OrderFact], order: Order, **more: Any) -> None:
    referrals = order.lines.exclude(referral="").order_by("pk").values_list("referral", flat=True)
    publish(
        kind(
            order_id=order.pk,
            number=order.number,
            purchase_id=str(order.purchase_id),
            buyer_id=order.buyer_id,
            shop_id=order.shop_id,
            currency=order.currency,
            total_minor=order.total_minor,
            referrals=list(dict.fromkeys(referrals)),
            **more,
        )
    )
