"""What a line says, as HTML: links may be followed in lines of the host and the moderators.

A link is its own address, in plain letters: what is shown is where it leads. The same rule stands
in the pages' script (chat-line.js); tests/chat_links.json holds both to it.
"""

import re
from collections.abc import Iterator
from typing import Final

from django import template
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString

from creators.chat.models import Message

register = template.Library()

_LINK: Final = re.compile(
    r"(?<![A-Za-z0-9_])https?://[a-z0-9](?:[a-z0-9.-]{0,250}[a-z0-9])?(?::[0-9]{1,5})?"
    r"(?=[/?#]|[.,;:!?)\]}'\"]*(?:\s|$))(?:[/?#][!#-&(-;=?-_a-~]*)?",
    re.IGNORECASE | re.ASCII,
)
_TRAIL: Final = re.compile(r"[.,;:!?)\]}*_~]+$")


def cut_links(body: str) -> Iterator[tuple[str, bool]]:
    """Cut what was said into texts, each with whether it is a link."""
    at = 0
    for found in _LINK.finditer(body):
        link = _TRAIL.sub("", found.group())
        if found.start() > at:
            yield body[at : found.start()], False
        yield link, True
        at = found.start() + len(link)
    if at < len(body):
        yield body[at:], False


@register.filter
def chat_text(message: Message) -> SafeString:
    """Write what a line says; never as the markup that it may hold."""
    if not message.badge:
        return conditional_escape(message.body)
    return format_html_join("", "{}", ((_part(*part),) for part in cut_links(message.body)))


def _part(text: str, is_link: bool) -> SafeString:
    if not is_link:
        return conditional_escape(text)
    return format_html(
        '<a class="chat__link" href="{}" rel="nofollow noopener ugc" target="_blank">{}</a>',
        text,
        text,
    )
