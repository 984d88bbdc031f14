"""{% form_key %} makes a form's second click harmless; {{ minor|plain_money }} fills a field."""

import secrets

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from shops.ledger.money import Money

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
