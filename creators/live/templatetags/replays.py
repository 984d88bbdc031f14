"""Times and languages of replays, as people write them."""

from django import template
from django.utils.translation import get_language_info

register = template.Library()


@register.filter
def clock(milliseconds: int) -> str:
    """Write 83000 as "1:23" and 3723000 as "1:02:03"."""
    minutes, seconds = divmod(milliseconds // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


@register.filter
def language_name(code: str) -> str:
    """Write the name of a language in that language; its code when Django does not know it."""
    try:
        return str(get_language_info(code)["name_local"]).capitalize()
    except KeyError:
        return code
