"""{{ minor|money:currency }} writes an amount for people."""

from django import template

from shops.ledger.money import Money

register = template.Library()


@register.filter
def money(minor: int | None, currency: str) -> str:
    return "" if minor is None else str(Money(int(minor), currency))
