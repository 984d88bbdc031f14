"""{{ bps|percent }} writes a rate in basis points as people do."""

from django import template
from django.utils.formats import number_format

register = template.Library()


@register.filter
def percent(bps: int) -> str:
    whole, part = divmod(bps, 100)
    text = f"{whole}.{part:02d}".rstrip("0") if part else str(whole)
    places = len(text.partition(".")[2])
    return f"{number_format(text, decimal_pos=places)} %"
