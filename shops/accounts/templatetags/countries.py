"""{{ code|country }} writes the name of a country."""

from django import template

from shops.accounts.countries import country_name

register = template.Library()


@register.filter
def country(code: str) -> str:
    return country_name(code)
