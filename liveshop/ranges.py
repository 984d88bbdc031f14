"""Byte ranges of stored files (RFC 9110, 14.2): Safari plays a film only where there are some."""

import re
from typing import Final

# No more is read at once: a player asks for what comes next.
LARGEST: Final = 4 << 20
_RANGE: Final = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")


class NotSatisfiable(ValueError):
    """The file has nothing in that range."""


def asked(header: str, size: int) -> tuple[int, int] | None:
    """Read a Range header: the first byte and the one behind the last, at most 4 MiB of them.

    None for no range, and for what may be passed over: several ranges, other units, nonsense.

    :raises NotSatisfiable: it begins behind the end of the file
    """
    found = _RANGE.fullmatch(header.strip())
    if found is None or not any(found.groups()):
        return None
    first_text, last_text = found.groups()
    if not first_text:
        first, end = max(0, size - int(last_text)), size
    else:
        first, end = int(first_text), min(size, int(last_text) + 1) if last_text else size
        if last_text and int(last_text) < first:
            return None
    if first >= size or end <= first:
        raise NotSatisfiable
    return first, min(end, first + LARGEST)
