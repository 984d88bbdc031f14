"""{% form_key %} makes a form's second click harmless; {% returns_of order %} lists its returns."""

import secrets
from datetime import UTC, datetime
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from shops.ledger.money import Money
from shops.orders.models import Order
from shops.returns import queries, requesting

register = template.Library()


@register.simple_tag
def form_key() -> SafeString:
    return format_html(
        '<input type="hidden" name="idempotency_key" value="{}">', secrets.token_urlsafe(24)
    )


@register.filter
def plain_money(minor: int, currency: str) -> str:
    """Write an amount as it is typed into a field."""
    return Money(minor, currency).plain


@register.inclusion_tag("returns/parts/of_order.html")
def returns_of(order: Order, *, is_shop: bool = False) -> dict[str, Any]:
    """Show an order's returns to its buyer (with the way to a new one) or to its shop."""
    lines = [] if is_shop else requesting.returnable(order=order, now=datetime.now(UTC))
    return {
        "order": order,
        "cases": queries.returns_of_order(order_id=order.pk),
        "is_returnable": any(one.left for one in lines),
        "is_shop": is_shop,
    }
