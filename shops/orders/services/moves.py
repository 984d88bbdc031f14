"""What every change of an order is made of: its lock, the compare-and-set, the fact."""

import logging
import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from shops.accounts.models import User
from shops.facts.publishing import publish
from shops.facts.refused import NotFound, Refused
from shops.orders import statements
from shops.orders.events import OrderFact
from shops.orders.models import (
    ORDER_TRANSITIONS,
    Order,
    OrderEvent,
    OrderLine,
    OrderState,
)
from shops.stock import services as stock

log = logging.getLogger(__name__)

F = TypeVar("F", bound=OrderFact)

_REASON_LENGTH = 200


class PurchaseClosed(Refused):
    code = "purchase_closed"
    message = _("This order is closed. It can no longer be paid.")


def lock_purchase(purchase_id: uuid.UUID) -> list[Order]:
    """Read a purchase's orders under its lock: payment, cancellation and expiry take turns."""
    orders, _lines = lock_with_lines(purchase_id)
    return orders


def lock_with_lines(purchase_id: uuid.UUID) -> tuple[list[Order], list[OrderLine]]:
    """Read a purchase's orders and all their lines under its lock."""
    orders, lines = statements.lock(purchase_id)
    if not orders:
        raise NotFound
    return orders, lines


def lock_order(order_id: int) -> Order:
    """Read an order under its own lock: what is paid is moved under this one."""
    order = Order.objects.select_for_update().filter(pk=order_id).first()
    if order is None:
        raise NotFound
    return order


def move(
    order: Order,
    to: OrderState,
    *,
    reason: str = "",
    by: User | None = None,
    now: datetime,
    **fields: datetime,
) -> None:
    """Compare-and-set an order's state and append the event."""
    before = OrderState(order.state)
    if to not in ORDER_TRANSITIONS[before]:
        raise PurchaseClosed
    is_moved = statements.move(
        order_id=order.pk,
        before=before,
        to=to,
        reason=reason[:_REASON_LENGTH],
        by_id=by.pk if by else None,
        now=now,
        fields=fields,
    )
    if not is_moved:
        raise PurchaseClosed
    order.state = to
    for name, value in fields.items():
        setattr(order, name, value)


def add_note(order: Order, text: str, *, by: User | None = None, now: datetime) -> None:
    OrderEvent.objects.create(
        order=order,
        from_state=order.state,
        to_state=order.state,
        reason=text[:_REASON_LENGTH],
        by=by,
        at=now,
    )


@transaction.atomic
def note(*, order_id: int, text: str, by: User | None = None, now: datetime) -> None:
    """Append to an order's history what happened to it without changing its state."""
    order = Order.objects.filter(pk=order_id).first()
    if order is None:
        raise NotFound
    add_note(order, text, by=by, now=now)


@transaction.atomic
def mark_settled(*, order_id: int, now: datetime) -> bool:
    """Note that a delivered order's escrow was split; False when it was before, or is not due.

    Call it in the transaction that posts the split: of two, one goes on.
    """
    due = Order.objects.filter(
        pk=order_id,
        settled_at__isnull=True,
        state__in=[OrderState.DELIVERED, OrderState.COMPLETED],
    )
    return bool(due.update(settled_at=now))


def each(step: Callable[..., bool], order_ids: Iterable[int], *, now: datetime) -> int:
    """Take a step with each of many orders, in a transaction of its own; count those that moved.

    One that can't be moved keeps no other one waiting.
    """
    moved = 0
    for order_id in list(order_ids):
        try:
            moved += step(order_id, now=now)
        except Exception:
            log.exception("order %s was not moved on", order_id)
    return moved


def give_back(orders: Sequence[Order], *, now: datetime) -> None:
    """Free the units of orders that were not sent; what was sent is nobody's to give back."""
    holds = OrderLine.objects.filter(order__in=orders).values_list("hold_id", flat=True)
    stock.give_back(hold_ids=list(holds), now=now)


def fact_of(kind: type[F], order: Order, *, referrals: Iterable[str], **more: Any) -> F:
    """Make a fact about an order whose lines came by these referrals."""
    return kind(
        order_id=order.pk,
        number=order.number,
        purchase_id=str(order.purchase_id),
        buyer_id=order.buyer_id,
        shop_id=order.shop_id,
        currency=order.currency,
        total_minor=order.total_minor,
        referrals=list(dict.fromkeys(text for text in referrals if text)),
        **more,
    )


def tell(
    kind: type[OrderFact],
    order: Order,
    *,
    referrals: Iterable[str] | None = None,
    **more: Any,
) -> None:
    """Publish a fact about an order; who has its lines' referrals at hand spares a query."""
    if referrals is None:
        lines = order.lines.exclude(referral="").order_by("pk")
        referrals = list(lines.values_list("referral", flat=True))
    publish(fact_of(kind, order, referrals=referrals, **more))
