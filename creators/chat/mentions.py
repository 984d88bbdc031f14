"""Who is meant by @name: the host, a moderator, or somebody who wrote in the show lately.

A name is what others see, with its spaces ("@Alice Rossi"), in whatever capitals; the longest one
counts. Where two people have the same name nobody is meant, since nobody could tell who.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from django.db import connection

from creators.chat.models import MessageState

# Among the authors of so many lines names are looked for.
LINES: Final = 2_000
MOST: Final = 10
_LONGEST_NAME: Final = 40
_MOST_WORDS: Final = 5
_AT: Final = re.compile(r"(?:^|[^\w@])@(?=\w)")
_TRAILING: Final = ".,;:!?…)]}\"'»”’"

_PEOPLE: Final = """
SELECT person.id, person.display_name FROM accounts_user AS person
WHERE person.id = ANY(%(others)s::bigint[]) OR person.id IN (
    SELECT author_id FROM (
        SELECT author_id FROM chat_message
        WHERE piece_id = %(piece)s AND state = %(shown)s AND deleted_at IS NULL
        ORDER BY id DESC LIMIT %(lines)s) AS newest)
"""

Names = Mapping[str, frozenset[int]]


def has_any(body: str) -> bool:
    return _AT.search(body) is not None


def names_in(piece_id: int, *, host: tuple[int, str], moderators: Collection[int]) -> Names:
    """List who may be meant in a show, by name; `host` is the creator's user and public name."""
    found: defaultdict[str, set[int]] = defaultdict(set)
    found[host[1].lower()].add(host[0])
    with connection.cursor() as cursor:
        cursor.execute(
            _PEOPLE,
            {
                "piece": piece_id,
                "shown": MessageState.SHOWN.value,
                "lines": LINES,
                "others": sorted({host[0], *moderators}),
            },
        )
        for user_id, name in cursor.fetchall():
            found[name.lower()].add(user_id)
    return {name: frozenset(ids) for name, ids in found.items()}


def mentioned(body: str, names: Names) -> list[int]:
    """List the ids of those who are named in a line, each once, in its order."""
    found: dict[int, None] = {}
    for at in _AT.finditer(body):
        meant = _longest(body[at.end() :][: _LONGEST_NAME + 1].lower(), names)
        if len(meant) == 1:
            found[next(iter(meant))] = None
    return list(found)[:MOST]


def _longest(text: str, names: Names) -> frozenset[int]:
    for candidate in _candidates(text.split(" ")[:_MOST_WORDS]):
        if candidate in names:
            return names[candidate]
    return frozenset()


def _candidates(words: list[str]) -> Iterable[str]:
    for many in range(len(words), 0, -1):
        name = " ".join(words[:many])
        yield name
        yield name.rstrip(_TRAILING)
