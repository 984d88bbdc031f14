"""How the inputs of all forms are drawn: as Django's templates have it, without the templates.

Each of them includes another for its attributes, which takes ten times as long as writing both.
"""

from typing import Any, Final

from django.forms.renderers import DjangoTemplates
from django.utils.html import conditional_escape
from django.utils.safestring import SafeData, SafeString, mark_safe

_WIDGETS: Final = "django/forms/widgets/"
_INPUTS: Final = frozenset(
    f"{_WIDGETS}{kind}.html"
    for kind in (
        *("text", "email", "number", "tel", "url", "search", "password", "hidden", "color"),
        *("date", "datetime", "time", "checkbox", "radio_option", "checkbox_option", "input"),
    )
)


class Inputs(DjangoTemplates):
    def render(self, template_name: str, context: dict[str, Any], request: Any = None) -> str:
        if template_name in _INPUTS:
            widget = context["widget"]
            # An option draws its label, too, unless its caller does that.
            if not widget.get("wrap_label"):
                return _input(widget)
        return super().render(template_name, context, request)


def _input(widget: dict[str, Any]) -> SafeString:
    value = widget["value"]
    given = {"type": widget["type"], "name": widget["name"]}
    if value is not None:
        given["value"] = value
    parts = [f' {name}="{_escaped(text)}"' for name, text in given.items()]
    for name, said in widget["attrs"].items():
        if said is True:
            parts.append(f" {_escaped(name)}")
        elif said is not False:
            parts.append(f' {_escaped(name)}="{_escaped(said)}"')
    return mark_safe(f"<input{''.join(parts)}>")  # noqa: S308  # escaped above


def _escaped(value: Any) -> str:
    """Escape anything but text that Django marked as safe, whatever it says of itself."""
    return conditional_escape(value if isinstance(value, SafeData) else str(value))
