"""How the protocol's page shows its texts."""

import re
from typing import Final

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

_CODE: Final = re.compile("`([^`]+)`")


@register.filter
def coded(text: str) -> SafeString:
    """Set what stands between backquotes as code."""
    return mark_safe(_CODE.sub(r"<code>\1</code>", escape(text)))  # noqa: S308 (escaped before)
