"""How a form's fields are drawn where Django's own way is too slow."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django import forms
from django.forms.renderers import BaseRenderer
from django.forms.utils import flatatt
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString


class LongSelect(forms.Select):
    """A drop-down of hundreds of options without groups, such as all countries.

    Django renders a template and two more for each of them, which was most of a checkout page.
    """

    def render(
        self,
        name: str,
        value: Any,
        attrs: Mapping[str, Any] | None = None,
        renderer: BaseRenderer | None = None,
    ) -> SafeString:
        choices = tuple((str(key), str(label)) for key, label in self.choices)
        # Nothing is kept of what anybody can send, however long it is.
        given = self.format_value(value)[0]
        chosen = next((key for key, _label in choices if key == given), None)
        options = _options(choices, chosen)
        own = self.build_attrs({"name": name, **self.attrs}, dict(attrs or {}))
        return format_html("<select{}>\n{}\n</select>", flatatt(own), options)


# They are the same for all who read the same language and live in the same country.
@lru_cache(maxsize=256)
def _options(choices: tuple[tuple[str, str], ...], chosen: str | None) -> SafeString:
    return format_html_join(
        "\n",
        '<option value="{}"{}>{}</option>',
        ((key, SafeString(" selected") if key == chosen else "", label) for key, label in choices),
    )
