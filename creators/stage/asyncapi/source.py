"""What the wire's source says of a field or a close code beside its docstrings: its comments."""

import inspect
import re
from functools import cache
from typing import Final

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


def meaning(cls: type) -> str:
    """Return a class's own docstring as paragraphs without line breaks; "" when it has none."""
    text = inspect.cleandoc(cls.__dict__.get("__doc__") or "")
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n") if part)
