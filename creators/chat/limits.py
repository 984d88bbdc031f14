"""How much one person may write, and how often many may write the same.

| limit | for whom | what happens |
|---|---|---|
| 5 lines in 10 s, over all shows together | everybody | refused, says how long to wait |
| slow mode: a line in 3 to 120 s in its show | all but host and moderators | the same |
| the same words within 30 s in the same show | all but host and moderators | refused |
| a line of 25 characters or more that 5 others wrote within 10 s | the same | withheld |

Short lines ("wow", hearts) are what a crowd says together, so only long ones make a flood.
The state is the messages themselves, in PostgreSQL: exact, shared by all web processes, and lost
with nothing. Callers hold the authors' locks, so two tabs can't both pass a check.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Final

from django.db import connection
from django.utils.functional import lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from creators.chat.words import folded
from shops.facts.refused import Refused

LINES: Final = 5
WINDOW: Final = timedelta(seconds=10)
SAME_WINDOW: Final = timedelta(seconds=30)
FLOOD_LENGTH: Final = 25
FLOOD_AUTHORS: Final = 5
FLOOD_WINDOW: Final = timedelta(seconds=10)
# The first key of the two-key advisory locks that this room takes; the others are `locks_of` users.
LOCK: Final = 0x63686174


class TooFast(Refused):
    """`retry_after` in the extra is in seconds."""

    code = "too_fast"
    message = _("You are writing too fast.")
    status = 429


class SlowMode(Refused):
    """`retry_after` in the extra is in seconds."""

    code = "slow_mode"
    message = _("The host lets everybody write a line now and then only.")
    status = 429


class SaidAlready(Refused):
    code = "said_already"
    message = _("You have just said that.")


def _too_fast(seconds: int) -> str:
    return ngettext(
        "You are writing too fast. Wait %(seconds)s second.",
        "You are writing too fast. Wait %(seconds)s seconds.",
        seconds,
    ) % {"seconds": seconds}


def _slow(seconds: int, every: int) -> str:
    return ngettext(
        "The host has the chat slowed down: a line in %(every)s seconds. Wait %(seconds)s second.",
        "The host has the chat slowed down: a line in %(every)s seconds. Wait %(seconds)s seconds.",
        seconds,
    ) % {"seconds": seconds, "every": every}


# Said in the reader's language, by whichever thread it was found out.
_say_too_fast = lazy(_too_fast, str)
_say_slow = lazy(_slow, str)


def locks_of(author_ids: Collection[int]) -> list[int]:
    """List the keys of the authors' locks in the order in which everybody takes them.

    So nobody waits in a circle.
    """
    return sorted({author_id % 2**31 for author_id in author_ids})


def serialise(*, author_ids: Collection[int]) -> None:
    """Let one transaction at a time write for each author; the locks end with the transaction.

    A batch of lines takes them where it reads what it is judged by (`statements.look`).
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(%s, key) FROM unnest(%s) AS key",
            [LOCK, locks_of(author_ids)],
        )
        cursor.fetchall()


@dataclass(frozen=True, slots=True)
class _Written:
    piece_id: int
    at: datetime
    words: str


class Recent:
    """What some authors wrote lately, with what they write now."""

    def __init__(self, lines: Iterable[tuple[int, int, datetime, str]] = ()) -> None:
        """Begin with (author, piece, instant, line) rows."""
        self._lines: defaultdict[int, list[_Written]] = defaultdict(list)
        for author_id, piece_id, at, body in lines:
            self.add(author_id=author_id, piece_id=piece_id, at=at, body=body)

    def add(self, *, author_id: int, piece_id: int, at: datetime, body: str) -> None:
        self._lines[author_id].append(_Written(piece_id, at, folded(body)))

    def check_speed(self, *, author_id: int, at: datetime) -> None:
        """Refuse the sixth line in ten seconds.

        :raises TooFast: says how long to wait
        """
        times = sorted(one.at for one in self._lines[author_id] if one.at > at - WINDOW)
        if len(times) >= LINES:
            seconds = _seconds(times[-LINES] + WINDOW - at)
            raise TooFast(_say_too_fast(seconds), retry_after=seconds)

    def check_slow(self, *, author_id: int, piece_id: int, at: datetime, every: int) -> None:
        """Refuse a line that comes too soon after the author's last one in this show.

        :raises SlowMode: says how long to wait
        """
        last = max(
            (one.at for one in self._lines[author_id] if one.piece_id == piece_id), default=None
        )
        if every and last is not None and last + timedelta(seconds=every) > at:
            seconds = _seconds(last + timedelta(seconds=every) - at)
            raise SlowMode(_say_slow(seconds, every), retry_after=seconds)

    def check_same(self, *, author_id: int, piece_id: int, at: datetime, body: str) -> None:
        """Refuse what the author said in this show a moment ago.

        :raises SaidAlready: capitals don't make it something else
        """
        words = folded(body)
        if any(
            one.piece_id == piece_id and one.words == words and one.at > at - SAME_WINDOW
            for one in self._lines[author_id]
        ):
            raise SaidAlready


def _seconds(wait: timedelta) -> int:
    return max(1, ceil(wait.total_seconds()))


def is_long(body: str) -> bool:
    """Tell whether a line is no mere shout, so that many who write it are a flood."""
    return len(body) >= FLOOD_LENGTH


class Floods:
    """Who wrote the same long line in a show within seconds, with who writes it now."""

    def __init__(self, lines: Iterable[tuple[int, str, int]] = ()) -> None:
        """Begin with (piece, words, author) rows; the words are folded."""
        self._authors: defaultdict[tuple[int, str], set[int]] = defaultdict(set)
        for piece_id, words, author_id in lines:
            self._authors[piece_id, words].add(author_id)

    def is_one(self, *, piece_id: int, author_id: int, body: str) -> bool:
        """Tell whether enough others just wrote this; counts it."""
        if not is_long(body):
            return False
        authors = self._authors[piece_id, folded(body)]
        is_flood = len(authors - {author_id}) >= FLOOD_AUTHORS
        authors.add(author_id)
        return is_flood
