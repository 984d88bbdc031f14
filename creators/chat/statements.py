"""The SQL of writing lines: one round trip reads what a batch is judged by, another writes it.

What must be exact however many processes write (who wrote what lately, who may not write, whether
the show is on) is read here for every batch, under the authors' locks.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection

from creators.chat import limits
from creators.chat.models import Message, MessageState
from creators.chat.words import UNSEEN
from shops.accounts.models import Role

# Statements of one round trip, each with a snapshot of its own: those after the first begin when
# the locks are held, so they see what was written by whoever held them before.
_LOOK: Final = """
SELECT pg_advisory_xact_lock(%(lock)s, key) FROM unnest(%(keys)s::int[]) AS key;

SELECT message.id FROM chat_message AS message
JOIN unnest(%(sent_pieces)s::bigint[], %(sent_authors)s::bigint[], %(sent_clients)s::uuid[])
    AS sent (piece, author, client)
ON message.piece_id = sent.piece AND message.author_id = sent.author
    AND message.client_id = sent.client;

SELECT piece.id, coalesce(show.state, ''), show.ended_at, show.rehearsal_of_id IS NOT NULL
FROM pieces_piece AS piece LEFT JOIN live_livesession AS show ON show.piece_id = piece.id
WHERE piece.id = ANY(%(pieces)s::bigint[]);

SELECT person.id, person.display_name, person.is_superuser OR EXISTS (
    SELECT FROM accounts_grant AS given
    WHERE given.user_id = person.id AND given.role = %(operator)s)
FROM accounts_user AS person WHERE person.id = ANY(%(authors)s::bigint[]);

SELECT held.id, held.rev, held.kind, held.piece_id, held.creator_id, held.user_id,
    person.display_name, held.reason, held.at, held.until, coalesce(appeal.state, '')
FROM chat_sanction AS held
JOIN accounts_user AS person ON person.id = held.user_id
LEFT JOIN chat_appeal AS appeal ON appeal.sanction_id = held.id
WHERE held.creator_id = ANY(%(creators)s::bigint[]) AND held.user_id = ANY(%(authors)s::bigint[])
    AND held.lifted_at IS NULL AND (held.until IS NULL OR held.until > %(now)s)
ORDER BY held.id;

SELECT author_id, piece_id, sent_at, body FROM chat_message
WHERE author_id = ANY(%(authors)s::bigint[]) AND sent_at > %(since)s
ORDER BY sent_at, id
"""

# Only where somebody wrote a line that is long enough for a flood.
_SAME_LINES: Final = """;
SELECT DISTINCT piece_id, lower(translate(body, %(unseen)s, '')), author_id FROM chat_message
WHERE piece_id = ANY(%(pieces)s::bigint[]) AND sent_at > %(flood_since)s
    AND lower(translate(body, %(unseen)s, '')) = ANY(%(words)s::text[])
"""

# Only where somebody answers.
_ANSWERED: Final = """;
SELECT message.id, message.piece_id, message.body, person.display_name
FROM chat_message AS message JOIN accounts_user AS person ON person.id = message.author_id
WHERE message.id = ANY(%(answered)s::bigint[]) AND message.state = %(shown)s
    AND message.deleted_at IS NULL
"""

# Only where somebody may have to follow to write.
_FOLLOWERS: Final = """;
SELECT creator_id, user_id FROM social_follow
WHERE creator_id = ANY(%(followed)s::bigint[]) AND user_id = ANY(%(authors)s::bigint[])
"""


@dataclass(frozen=True, slots=True)
class Sought:
    """What a batch asks; `sent` are pieces, authors and client ids, `same` pieces and words."""

    sent: Collection[tuple[int, int, UUID]]
    creators: Collection[int]
    followed: Collection[int]
    same: Collection[tuple[int, str]]
    answered: Collection[int]
    since: datetime
    flood_since: datetime
    now: datetime


@dataclass(frozen=True, slots=True)
class Author:
    name: str
    is_operator: bool


@dataclass(frozen=True, slots=True)
class Answered:
    """A line that somebody answers and everybody sees."""

    id: int
    piece_id: int
    body: str
    author: str


@dataclass(frozen=True, slots=True)
class Found:
    """What there is; rows are as their statement above has them."""

    known: Sequence[int]
    # A piece's state ("" for what is no show), when it ended, whether it is a rehearsal.
    shows: dict[int, tuple[str, datetime | None, bool]]
    authors: dict[int, Author]
    restrictions: Sequence[tuple[Any, ...]]
    recent: Sequence[tuple[int, int, datetime, str]]
    same: Sequence[tuple[int, str, int]]
    answered: dict[int, Answered]
    follows: frozenset[tuple[int, int]]


def _array(members: Iterable[int | UUID]) -> str:
    """Write an array as PostgreSQL reads it: psycopg takes several times as long for a list."""
    return "{" + ",".join(map(str, members)) + "}"


def look(sought: Sought) -> Found:
    """Lock the authors for this transaction, then read what their lines are judged by."""
    sent = sorted(sought.sent)
    pieces, authors, clients = ([*column] for column in zip(*sent, strict=True))
    everybody = sorted(set(authors))
    values: dict[str, Any] = {
        "lock": limits.LOCK,
        "keys": _array(limits.locks_of(everybody)),
        "sent_pieces": _array(pieces),
        "sent_authors": _array(authors),
        "sent_clients": _array(clients),
        "pieces": _array(sorted(set(pieces))),
        "authors": _array(everybody),
        "creators": _array(sorted(sought.creators)),
        "operator": Role.OPERATOR.value,
        "now": sought.now,
        "since": sought.since,
    }
    sql = _LOOK
    if sought.same:
        sql += _SAME_LINES
        values["flood_since"] = sought.flood_since
        values["unseen"] = UNSEEN
        values["words"] = sorted({words for _piece, words in sought.same})
    if sought.answered:
        sql += _ANSWERED
        values["answered"] = _array(sorted(sought.answered))
        values["shown"] = MessageState.SHOWN.value
    if sought.followed:
        sql += _FOLLOWERS
        values["followed"] = _array(sorted(sought.followed))
    with connection.cursor() as cursor:
        cursor.execute(sql, values)

        def rows() -> list[Any]:
            cursor.nextset()
            found: list[Any] = cursor.fetchall()
            return found

        return Found(
            known=[pk for (pk,) in rows()],
            shows={row[0]: row[1:] for row in rows()},
            authors={row[0]: Author(*row[1:]) for row in rows()},
            restrictions=rows(),
            recent=rows(),
            same=rows() if sought.same else (),
            answered={row[0]: Answered(*row) for row in rows()} if sought.answered else {},
            follows=frozenset(rows()) if sought.followed else frozenset(),
        )


# `id` is counted after the sort, so the lines keep the order in which they came.
_WRITE: Final = """
INSERT INTO chat_message (piece_id, author_id, client_id, body, sent_at, state, shown_at, why,
    badge, reply_to_id, mentions, rev)
SELECT piece, author, client, body, sent_at, state, shown_at, why, badge, reply_to,
    mentions::bigint[], 0
FROM unnest(%s::bigint[], %s::bigint[], %s::uuid[], %s::text[], %s::timestamptz[], %s::text[],
    %s::timestamptz[], %s::text[], %s::text[], %s::bigint[], %s::text[]) WITH ORDINALITY
    AS line (piece, author, client, body, sent_at, state, shown_at, why, badge, reply_to, mentions,
        place)
ORDER BY place
RETURNING id
"""


def write(messages: Sequence[Message]) -> None:
    """Write new lines down, in their order, and give each its id."""
    rows = [
        (
            one.piece_id,
            one.author_id,
            one.client_id,
            one.body,
            one.sent_at,
            str(one.state),
            one.shown_at,
            one.why,
            str(one.badge),
            one.reply_to_id,
            _array(one.mentions),
        )
        for one in messages
    ]
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, [[*column] for column in zip(*rows, strict=True)])
        ids = [pk for (pk,) in cursor.fetchall()]
    for message, pk in zip(messages, ids, strict=True):
        message.pk = pk
        message._state.adding = False
        message._state.db = connection.alias
