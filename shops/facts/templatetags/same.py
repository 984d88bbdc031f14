"""What of a page is the same for everybody who reads the same language is drawn once."""

from typing import cast

from django import template
from django.template import Context
from django.template.base import Node, NodeList, Parser, Template, Token
from django.utils.safestring import SafeString
from django.utils.translation import get_language

register = template.Library()


class Same(Node):
    """Its content knows nothing of who asks, so nothing of anybody can be kept for another."""

    def __init__(self, nodelist: NodeList) -> None:
        self.nodelist = nodelist
        self._drawn: dict[str | None, SafeString] = {}

    def render(self, context: Context) -> SafeString:
        language = get_language()
        drawn = self._drawn.get(language)
        if drawn is None:
            page, nobody = cast(Template, context.template), Context()
            with nobody.render_context.push_state(page), nobody.bind_template(page):
                drawn = self._drawn[language] = self.nodelist.render(nobody)
        return drawn


@register.tag
def same(parser: Parser, token: Token) -> Same:
    """Draw `{% same %}…{% endsame %}` once for each language."""
    nodelist = parser.parse(("endsame",))
    parser.delete_first_token()
    return Same(nodelist)
