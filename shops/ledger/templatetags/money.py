"""{{ minor|money:currency }} writes an amount for people."""

from functools import lru_cache

from django import template
from django.utils.translation import get_language

from shops.ledger.money import Money

register = template.Library()


@register.filter
def money(minor: int | None, currency: str) -> str:
    return "" if minor is None else _written(int(minor), currency, get_language())


# The same few prices stand on a page many times, and on everybody's page.
@lru_cache(maxsize=4096)
def _written(minor: int, currency: str, language: str | None) -> str:
    return str(Money(minor, currency))
