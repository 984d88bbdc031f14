"""Writing in a show's chat: many lines in one transaction, each judged by the show's rules."""

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Literal
from uuid import UUID

from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction
from django.utils.translation import gettext_lazy as _

from creators.chat import holding, limits, mentions
from creators.chat.events import ChatHeld, ChatPosted
from creators.chat.models import FilterEffect, Message, MessageState
from creators.chat.standing import Standing, read_standings
from creators.chat.words import checked
from creators.chat.writers import badge_of, check_may_write
from creators.profiles.queries import operators_among
from creators.social.models import Follow
from shops.accounts.models import User
from shops.facts.publishing import publish
from shops.facts.refused import Invalid, NotFound, Refused

log = logging.getLogger(__name__)

_LARGEST: Final = 2**63 - 1
# What `Message.why` says of a line that many wrote at once; otherwise it is what a filter found.
FLOOD: Final = "flood"
# A line that is said again is shown again for so long after it was written.
_TOLD_AGAIN_FOR: Final = timedelta(minutes=1)


class NoLineToAnswer(Invalid):
    code = "no_line_to_answer"
    message = _("The line that you answer is no longer there.")


class FilteredOut(Refused):
    code = "filtered_out"
    message = _("These words are not for this chat. Say it in others.")


class NotTaken(Refused):
    code = "failed"
    message = _("Something went wrong on our side. Try again.")
    status = 500


@dataclass(frozen=True, slots=True)
class Draft:
    """A line as somebody sent it; `sent_at` is when it came.

    :ivar grace: so long after its end a show still takes it: viewers see its end late
    """

    piece_id: int
    author_id: int
    client_id: UUID
    body: str
    reply_to: int | None
    sent_at: datetime
    grace: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Posted:
    """A line that is written down."""

    message: Message

    @property
    def message_id(self) -> int:
        return self.message.pk

    @property
    def client_id(self) -> UUID:
        return self.message.client_id

    @property
    def state(self) -> Literal["shown", "held", "withheld"]:
        """Tell its author what became of it: of one that was rejected, that others don't see it."""
        if self.message.state == MessageState.SHOWN:
            return "shown"
        return "held" if self.message.state == MessageState.HELD else "withheld"

    @property
    def shown_at(self) -> datetime | None:
        return self.message.shown_at if self.message.state == MessageState.HELD else None


def post_message(
    *,
    piece_id: int,
    author: User,
    client_id: UUID,
    body: str,
    now: datetime,
    reply_to: int | None = None,
    grace: timedelta = timedelta(),
) -> Message:
    """Write one line in a show's chat; the same `client_id` again gives the same line.

    :raises Refused: as `post_batch` answers
    """
    draft = Draft(piece_id, author.pk, client_id, body, reply_to, sent_at=now, grace=grace)
    [answer] = post_batch([draft], now=now)
    if isinstance(answer, Refused):
        raise answer
    return answer.message


def post_batch(drafts: Sequence[Draft], *, now: datetime) -> list[Posted | Refused]:
    """Write many lines in one transaction and answer each, in their order.

    A line that is refused harms no other. Those answers are EmptyMessage, MessageTooLong, Invalid,
    NotFound, ChatClosed, Banned, Muted, FollowersOnly, TooFast, SlowMode, SaidAlready, FilteredOut
    and NoLineToAnswer.

    :raises OperationalError: PostgreSQL is away; nothing was written, or all of it: send it again
    """
    answers: dict[int, Posted | Refused] = {}
    good: dict[int, Draft] = {}
    for place, draft in enumerate(drafts):
        try:
            good[place] = _checked(draft)
        except Refused as refused:
            answers[place] = refused
    if good:
        answers |= dict(zip(good, _post_or_singly(list(good.values()), now=now), strict=True))
    return [answers[place] for place in range(len(drafts))]


def _checked(draft: Draft) -> Draft:
    for number in (draft.piece_id, draft.author_id, draft.reply_to or 0):
        if not 0 <= number <= _LARGEST:
            raise NotFound
    if not isinstance(draft.client_id, UUID):
        raise Invalid
    return replace(draft, body=checked(draft.body))


def _post_or_singly(drafts: Sequence[Draft], *, now: datetime) -> list[Posted | Refused]:
    """Write them together; where PostgreSQL doesn't take one, each by itself."""
    try:
        with transaction.atomic():
            return _Batch(drafts, now=now).post()
    except (OperationalError, InterfaceError):
        raise
    except (DatabaseError, ValueError) as error:
        if len(drafts) == 1:
            log.exception("a line of %s was not taken", drafts[0].author_id)
            return [NotTaken()]
        log.warning("%d lines are written one by one: %s", len(drafts), error)
        return [answer for draft in drafts for answer in _post_or_singly([draft], now=now)]


class _Batch:
    """What one transaction knows while it writes lines."""

    def __init__(self, drafts: Sequence[Draft], *, now: datetime) -> None:
        self._drafts = drafts
        self._now = now
        self._new: list[Message] = []
        self._again: dict[int, Message] = {}

    def post(self) -> list[Posted | Refused]:
        drafts = self._drafts
        authors = {draft.author_id for draft in drafts}
        limits.serialise(author_ids=authors)
        self._known = _known(drafts)
        fresh = [draft for draft in drafts if _key(draft) not in self._known]
        if fresh:
            self._read(fresh)
        answers = [self._answer(draft) for draft in drafts]
        Message.objects.bulk_create(self._new)
        self._tell()
        return answers

    def _read(self, fresh: Sequence[Draft]) -> None:
        """Read what the lines are judged by, for all of them together."""
        authors = {draft.author_id for draft in fresh}
        self._standings = read_standings(
            {draft.piece_id for draft in fresh}, now=self._now, of=authors
        )
        self._operators = operators_among(authors)
        followed = {one.creator_id for one in self._standings.values() if one.rules.followers_only}
        self._follows = set(
            Follow.objects.filter(creator__in=followed, user__in=authors).values_list(
                "creator", "user"
            )
            if followed
            else ()
        )
        first = min(draft.sent_at for draft in fresh)
        slowest = max((one.rules.slow_seconds for one in self._standings.values()), default=0)
        self._recent = limits.Recent(
            author_ids=authors,
            since=first - max(limits.SAME_WINDOW, timedelta(seconds=slowest)),
        )
        self._floods = limits.Floods(
            [(draft.piece_id, draft.body) for draft in fresh], since=first - limits.FLOOD_WINDOW
        )
        self._answered = _seen_lines(fresh)
        self._names: dict[int, mentions.Names] = {}

    def _answer(self, draft: Draft) -> Posted | Refused:
        key = _key(draft)
        known = self._known.get(key)
        if known is None:
            try:
                known = self._known[key] = self._judged(draft)
            except Refused as refused:
                return refused
            self._new.append(known)
        elif known.pk is not None and self._now - known.sent_at < _TOLD_AGAIN_FOR:
            self._again[known.pk] = known
        return Posted(known)

    def _judged(self, draft: Draft) -> Message:
        """Make a message of a draft, or refuse it."""
        author_id, piece_id, at = draft.author_id, draft.piece_id, draft.sent_at
        standing = self._standings.get(piece_id)
        if standing is None:
            raise NotFound
        keeps = standing.moderates(author_id, is_operator=author_id in self._operators)
        check_may_write(
            standing,
            author_id,
            keeps=keeps,
            follows=(standing.creator_id, author_id) in self._follows,
            at=at,
            grace=draft.grace,
        )
        self._recent.check_speed(author_id=author_id, at=at)
        state, shown_at, why = MessageState.SHOWN, None, ""
        if not keeps:
            rules = standing.rules
            self._recent.check_slow(
                author_id=author_id, piece_id=piece_id, at=at, every=rules.slow_seconds
            )
            self._recent.check_same(author_id=author_id, piece_id=piece_id, at=at, body=draft.body)
            if rules.hold_seconds:
                state = MessageState.HELD
                shown_at = max(self._now, at) + timedelta(seconds=rules.hold_seconds)
            why = self._why_withheld(draft, standing)
            if why:
                state, shown_at = MessageState.WITHHELD, None
        if draft.reply_to is not None and (draft.reply_to, piece_id) not in self._answered:
            raise NoLineToAnswer
        self._recent.add(author_id=author_id, piece_id=piece_id, at=at, body=draft.body)
        return Message(
            piece_id=piece_id,
            author_id=author_id,
            client_id=draft.client_id,
            body=draft.body,
            sent_at=at,
            state=state,
            shown_at=shown_at,
            why=why,
            badge=badge_of(standing, author_id, keeps=keeps),
            reply_to_id=draft.reply_to,
            mentions=self._mentioned(draft, standing),
        )

    def _why_withheld(self, draft: Draft, standing: Standing) -> str:
        """Tell why a line waits for a moderator, "" when it need not.

        :raises FilteredOut: it is not taken at all
        """
        verdict = standing.judge.judge(draft.body)
        if verdict is not None and verdict.effect == FilterEffect.REFUSE:
            raise FilteredOut
        is_flood = self._floods.is_one(
            piece_id=draft.piece_id, author_id=draft.author_id, body=draft.body
        )
        if verdict is not None:
            return f"filter:{verdict.found}"
        return FLOOD if is_flood else ""

    def _mentioned(self, draft: Draft, standing: Standing) -> list[int]:
        if not mentions.has_any(draft.body):
            return []
        names = self._names.get(standing.piece_id)
        if names is None:
            names = self._names[standing.piece_id] = mentions.names_in(
                standing.piece_id,
                host=(standing.host_id, standing.creator_name),
                moderators=standing.moderators,
            )
        return mentions.mentioned(draft.body, names)

    def _tell(self) -> None:
        shown: defaultdict[int, list[int]] = defaultdict(list)
        waiting: defaultdict[int, list[int]] = defaultdict(list)
        # Whoever says a line again was not told that it is written down: the process may have died
        # before anybody else was told, and who has it already sees no difference.
        for message in [*self._new, *self._again.values()]:
            if message.deleted_at is not None or message.state == MessageState.REJECTED:
                continue
            is_shown = message.state == MessageState.SHOWN
            (shown if is_shown else waiting)[message.piece_id].append(message.pk)
        for piece_id, ids in shown.items():
            publish(ChatPosted(piece_id=piece_id, message_ids=ids))
        for piece_id, ids in waiting.items():
            publish(ChatHeld(piece_id=piece_id, message_ids=ids))
        for at in {message.shown_at for message in self._new if message.shown_at is not None}:
            transaction.on_commit(partial(holding.timetable.show_at, at), robust=True)


# --- Reads of a batch -------------------------------------------------------------------------

_Key = tuple[int, int, UUID]


def _key(draft: Draft) -> _Key:
    return draft.piece_id, draft.author_id, draft.client_id


def _known(drafts: Sequence[Draft]) -> dict[_Key, Message]:
    """Find the lines that were written down before, by what their sender calls them."""
    keys = sorted({_key(draft) for draft in drafts})
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT message.id FROM chat_message AS message"
            " JOIN unnest(%s::bigint[], %s::bigint[], %s::uuid[]) AS sent (piece, author, client)"
            " ON message.piece_id = sent.piece AND message.author_id = sent.author"
            " AND message.client_id = sent.client",
            [list(column) for column in zip(*keys, strict=True)],
        )
        found = [pk for (pk,) in cursor.fetchall()]
    return {
        (message.piece_id, message.author_id, message.client_id): message
        for message in (Message.objects.filter(pk__in=found) if found else ())
    }


def _seen_lines(drafts: Sequence[Draft]) -> set[tuple[int, int]]:
    """Select those lines that are answered, with their pieces, that everybody can see."""
    answered = {draft.reply_to for draft in drafts if draft.reply_to is not None}
    if not answered:
        return set()
    rows = Message.objects.filter(
        pk__in=answered, state=MessageState.SHOWN, deleted_at__isnull=True
    )
    return set(rows.values_list("pk", "piece"))
