"""What must follow on facts: the shop's own servers hear of them, and users of their tokens.

Receivers get numbers and amounts, never who the buyer is or where they live: what a shop may see of
an order it asks the API for, which knows whether its buyer may still take it back.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext

from shops.accounts.models import User
from shops.catalog.models import Shop
from shops.facts.publishing import Fact
from shops.facts.reacting import takes_many
from shops.orders import events as orders
from shops.orders.models import Order
from shops.payments.events import (
    ChargeBackWon,
    ChargedBack,
    PaymentFailed,
    RefundCameBack,
    RefundFailed,
    RefundSucceeded,
)
from shops.payouts.events import OrderSettled, PayoutChanged
from shops.returns.events import ReturnChanged
from shops.webhooks.events import TokensRevoked
from shops.webhooks.models import ApiToken
from shops.webhooks.services.messages import Told, listeners, tell

# An order that is paid is a payment that has arrived: a shop's share of it.
_OF_ORDERS: Final[dict[type[Fact], tuple[str, ...]]] = {
    orders.OrderPaid: ("order.paid", "payment.captured"),
    orders.OrderReleased: ("order.released",),
    orders.OrderShipped: ("order.shipped",),
    orders.OrderDelivered: ("order.delivered",),
    orders.OrderCompleted: ("order.completed",),
    orders.OrderCancelled: ("order.cancelled",),
    orders.LinesCancelled: ("order.lines_cancelled",),
    orders.OrderExpired: ("order.expired",),
    OrderSettled: ("order.settled",),
}
# Of no use to a receiver, or none of its business.
_KEPT_BACK: Final = frozenset(
    {"order_id", "purchase_id", "buyer_id", "shop_id", "referrals", "event_id", "owner"}
)


def tell_shops(facts: Sequence[tuple[int, Fact]], *, now: datetime) -> None:
    """Write the messages that facts mean for their shops' endpoints."""
    shops = {shop_id for _event_id, fact in facts if (shop_id := _shop_of(fact)) is not None}
    listening = listeners(shops) if shops else set()
    told = [
        event
        for event_id, fact in facts
        # Of most facts nobody wants to hear; of some only their order knows whose they are.
        if (shop_id := _shop_of(fact)) is None or shop_id in listening
        for event in _told(fact, source=f"fact:{event_id}", now=now)
    ]
    if told:
        tell(told, now=now)


@takes_many(tell_shops)
def tell_shop(fact: Fact, *, event_id: int, now: datetime) -> None:
    """Write the messages that a fact means for its shops' endpoints."""
    tell_shops([(event_id, fact)], now=now)


def mail_tokens_revoked(fact: TokensRevoked, *, event_id: int, now: datetime) -> None:
    """Tell a user which programs have lost their access, and where to give it again."""
    user = User.objects.get(pk=fact.user_id)
    tokens = ApiToken.objects.select_related("shop").filter(pk__in=fact.token_ids)
    site = settings.SITE_URL.rstrip("/")
    body = render_to_string(
        "webhooks/mail/tokens_revoked.txt",
        {
            "name": user.display_name or user.email,
            "tokens": tokens.order_by("pk"),
            "link": f"{site}{reverse('webhooks:tokens')}",
            "reset": f"{site}{reverse('account_reset_password')}",
        },
    )
    EmailMessage(
        subject=gettext("New password: your API tokens are revoked"),
        body=body,
        to=[user.email],
        headers={"Message-ID": f"<tokens-revoked-{event_id}@liveshop>"},
    ).send()


def _shop_of(fact: Fact) -> int | None:
    return getattr(fact, "shop_id", None)


def _told(fact: Fact, *, source: str, now: datetime) -> list[Told]:
    match fact:
        case PaymentFailed(purchase_id=purchase_id, code=code):
            return [
                _of_order(order, "payment.failed", source, now, code=code)
                for order in _of_purchase(purchase_id)
            ]
        case ChargedBack(purchase_id=purchase_id):
            return [
                _of_order(order, "payment.charged_back", source, now)
                for order in _of_purchase(purchase_id)
            ]
        case ChargeBackWon(purchase_id=purchase_id):
            return [
                _of_order(order, "payment.won_back", source, now)
                for order in _of_purchase(purchase_id)
            ]
        case RefundSucceeded() | RefundFailed() | RefundCameBack():
            order = Order.objects.select_related("shop").get(pk=fact.order_id)
            name = "refund.succeeded" if isinstance(fact, RefundSucceeded) else "refund.failed"
            refund = {"refund_id": fact.refund_id, "amount_minor": fact.amount_minor}
            return [_of_order(order, name, source, now, **refund)]
        case ReturnChanged():
            return [_plainly(fact, "return.changed", fact.shop_id, source, now)]
        case PayoutChanged():
            if fact.shop_id is None:
                return []  # a creator's
            return [_plainly(fact, "payout.changed", fact.shop_id, source, now)]
    names = _OF_ORDERS[type(fact)]
    shop_id: int = fact.shop_id  # type: ignore[attr-defined]  # all of these have one
    return [_plainly(fact, name, shop_id, source, now) for name in names]


def _of_purchase(purchase_id: str) -> list[Order]:
    rows = Order.objects.select_related("shop").filter(purchase_id=UUID(purchase_id))
    return list(rows.order_by("pk"))


def _of_order(order: Order, name: str, source: str, now: datetime, **more: Any) -> Told:
    data = {
        "shop": order.shop.slug,
        "number": order.number,
        "currency": order.currency,
        "total_minor": order.total_minor,
        **more,
    }
    return Told(shop_id=order.shop_id, source=source, type=name, data=data, at=now)


def _plainly(fact: Fact, name: str, shop_id: int, source: str, now: datetime) -> Told:
    fields: dict[str, Any] = msgspec.to_builtins(fact)
    data = {key: value for key, value in fields.items() if key not in _KEPT_BACK}
    slug = Shop.objects.values_list("slug", flat=True).get(pk=shop_id)
    return Told(shop_id=shop_id, source=source, type=name, data={"shop": slug, **data}, at=now)
