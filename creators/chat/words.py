"""What was typed becomes one line: seen, bounded, without characters that do harm."""

import unicodedata
from typing import Final

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from shops.facts.refused import Invalid

# Control, format, surrogate and private characters go; unassigned ones may be new emoji and stay.
_DROPPED: Final = frozenset({"Cc", "Cf", "Cs", "Co"})
# No script writes more marks on a letter.
_MARKS: Final = frozenset({"Mn", "Me"})
_MOST_MARKS: Final = 5
# Joiners that emoji and several scripts are written with.
_KEPT: Final = frozenset("\u200c\u200d")
# Letters and symbols that leave their place empty: fillers of Hangul, the blank of Braille.
_BLANK: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")
# What lines may differ in and still look the same: joiners, selectors of variants, spaces.
UNSEEN: Final = " \u034f\u17b4\u17b5\u180b\u180c\u180d\u200c\u200d" + "".join(
    map(chr, range(0xFE00, 0xFE10))
)
_NOT_COMPARED: Final = str.maketrans("", "", UNSEEN)


class EmptyMessage(Invalid):
    code = "empty_message"
    message = _("Write something first.")


class MessageTooLong(Invalid):
    code = "message_too_long"
    message = _("That is too long: a line has 300 characters at most.")


def clean(body: str) -> str:
    """Make one line of what was typed: no control characters, single spaces, trimmed.

    Marks that pile up on a letter, over the lines above and below, are cut. Markup stays as it was
    typed: it is text, and is escaped wherever it is shown.
    """
    kept, marks = [], 0
    for c in body:
        category = unicodedata.category(c)
        marks = marks + 1 if category in _MARKS else 0
        if marks <= _MOST_MARKS:
            kept.append(c if c in _KEPT or category not in _DROPPED else " ")
    return " ".join("".join(kept).split())


def _is_seen(body: str) -> bool:
    """Tell whether a line has more than blanks, joiners and marks that stand on nothing."""
    return any(
        c not in _KEPT and c not in _BLANK and unicodedata.category(c)[0] not in "MZ" for c in body
    )


def checked(body: str) -> str:
    """Clean what was typed.

    :raises EmptyMessage: nothing that can be seen is left
    :raises MessageTooLong: more than 300 characters are
    """
    if not isinstance(body, str):
        raise Invalid
    body = clean(body)
    if not _is_seen(body):
        raise EmptyMessage
    if len(body) > settings.CHAT_MAX_LENGTH:
        raise MessageTooLong
    return body


def folded(body: str) -> str:
    """Write a line as it is compared with others: capitals and blanks don't make it another.

    PostgreSQL does the same in `statements`.
    """
    return body.translate(_NOT_COMPARED).lower()
