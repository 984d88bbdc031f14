"""What the wire's source says of a field or a close code beside its docstrings: its comments."""

import inspect
import re
from functools import cache
from typing import Final

# What a field's name or its end says everywhere; a comment beside the field says more.
_USUAL: Final = {
    "t": "The message's type.",
    "client_id": "Made up by the client who said it; the same one again is the same thing.",
    "currency": "By ISO 4217.",
    "epoch": "Which history of the room the numbers belong to.",
    "lang": "A language by BCP 47.",
    "mute": "Why and until when this user may not write.",
    "piece_id": "The show.",
    "referral": "Goes with what is bought from here, so that the sale is credited.",
    "rev": "The higher one is newer.",
    "room": "Which of the socket's rooms.",
}
_USUAL_ENDS: Final = (
    ("_minor", "In minor units of the currency."),
    ("_ms", "In ms."),
    ("_seconds", "In seconds."),
    ("_at", "In ms since 1970."),
)
_INSTANTS: Final = frozenset({"at", "since", "until"})
_NAMED: Final = re.compile(r"\s+(\w+)\s*[:=](.*)")


@cache
def comments(cls: type) -> dict[str, str]:
    """Return what the comments above or behind a class's names say, name by name."""
    found: dict[str, str] = {}
    above: list[str] = []
    for line in inspect.getsource(cls).splitlines():
        stripped = line.strip()
        if stripped.startswith("#"):
            above.append(stripped.lstrip("# "))
            continue
        named = _NAMED.match(line)
        if named:
            behind = named[2].partition("  # ")[2]
            text = " ".join([*above, behind]).strip()
            if text:
                found[named[1]] = text
        above.clear()
    return found


def usual(name: str) -> str:
    """Return what fields of a name mean wherever they stand; "" when that is not the same."""
    if name in _INSTANTS:
        return "In ms since 1970."
    ends = (text for end, text in _USUAL_ENDS if name.endswith(end))
    return _USUAL.get(name) or next(ends, "")


def meaning(cls: type) -> str:
    """Return a class's own docstring as paragraphs without line breaks; "" when it has none."""
    text = inspect.cleandoc(cls.__dict__.get("__doc__") or "")
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n") if part)
