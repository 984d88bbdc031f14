"""Writing in a show's chat: many lines in one transaction, each judged by the show's rules."""

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Literal
from uuid import UUID

from django.db import DatabaseError, OperationalError, transaction
from django.utils.translation import gettext_lazy as _

from creators.chat import holding, kept, limits, mentions, statements
from creators.chat.events import ChatHeld, ChatPosted
from creators.chat.fresh import FreshLine, fresh_lines, told_lines
from creators.chat.models import FilterEffect, Message, MessageState
from creators.chat.standing import Restriction, Standing, read_standings
from creators.chat.words import checked, folded
from creators.chat.writers import badge_of, check_may_write
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
    :raises NotTaken: PostgreSQL does not take it
    """
    draft = Draft(piece_id, author.pk, client_id, body, reply_to, sent_at=now, grace=grace)
    try:
        [answer] = post_batch([draft], now=now)
    except OperationalError:
        raise
    except (DatabaseError, ValueError) as error:
        log.exception("a line of %s was not taken", author.pk)
        raise NotTaken from error
    if isinstance(answer, Refused):
        raise answer
    return answer.message


def post_batch(
    drafts: Sequence[Draft], *, now: datetime, as_kept: bool = False
) -> list[Posted | Refused]:
    """Write many lines in one transaction and answer each, in their order.

    `as_kept`: go by the rules, the moderators and the names that this process knows, which may be a
    moment old. Limits, sanctions and the show's state are exact at any rate.

    A line that is refused harms no other. Those answers are EmptyMessage, MessageTooLong, Invalid,
    NotFound, ChatClosed, Banned, Muted, FollowersOnly, TooFast, SlowMode, SaidAlready, FilteredOut
    and NoLineToAnswer.

    :raises OperationalError: PostgreSQL is away; nothing was written, or all of it: send it again
    :raises DatabaseError, ValueError: PostgreSQL does not take one of them; nothing was written
    """
    answers: dict[int, Posted | Refused] = {}
    good: dict[int, Draft] = {}
    for place, draft in enumerate(drafts):
        try:
            good[place] = _checked(draft)
        except Refused as refused:
            answers[place] = refused
    if good:
        with transaction.atomic():
            posted = _Batch(list(good.values()), now=now, as_kept=as_kept).post()
        answers |= dict(zip(good, posted, strict=True))
    return [answers[place] for place in range(len(drafts))]


def _checked(draft: Draft) -> Draft:
    for number in (draft.piece_id, draft.author_id, draft.reply_to or 0):
        if not 0 <= number <= _LARGEST:
            raise NotFound
    if not isinstance(draft.client_id, UUID):
        raise Invalid
    return replace(draft, body=checked(draft.body))


class _Batch:
    """What one transaction knows while it writes lines."""

    def __init__(self, drafts: Sequence[Draft], *, now: datetime, as_kept: bool) -> None:
        self._drafts = drafts
        self._now = now
        self._as_kept = as_kept
        self._new: list[Message] = []
        self._again: dict[int, Message] = {}

    def post(self) -> list[Posted | Refused]:
        self._read()
        answers = [self._answer(draft) for draft in self._drafts]
        if self._new:
            statements.write(self._new)
        self._tell()
        return answers

    def _read(self) -> None:
        """Read what the lines are judged by, for all of them together."""
        drafts = self._drafts
        pieces = {draft.piece_id for draft in drafts}
        # Before the locks, which nobody is to wait for longer than necessary.
        standings = (
            kept.standings.of_all(pieces)
            if self._as_kept
            else read_standings(pieces, now=self._now, of=())
        )
        first = min(draft.sent_at for draft in drafts)
        slowest = max((one.rules.slow_seconds for one in standings.values()), default=0)
        found = self._found = statements.look(
            statements.Sought(
                sent={_key(draft) for draft in drafts},
                creators={one.creator_id for one in standings.values()},
                followed={one.creator_id for one in standings.values() if one.rules.followers_only},
                same={
                    (draft.piece_id, folded(draft.body))
                    for draft in drafts
                    if limits.is_long(draft.body)
                },
                answered={draft.reply_to for draft in drafts if draft.reply_to is not None},
                since=first - max(limits.SAME_WINDOW, timedelta(seconds=slowest)),
                flood_since=first - limits.FLOOD_WINDOW,
                now=self._now,
            )
        )
        restrictions = [Restriction(*row) for row in found.restrictions]
        self._standings = {
            pk: standing.as_of(*found.shows[pk], restrictions=restrictions)
            for pk, standing in standings.items()
            if pk in found.shows
        }
        self._known = {
            (message.piece_id, message.author_id, message.client_id): message
            for message in (Message.objects.filter(pk__in=found.known) if found.known else ())
        }
        self._recent = limits.Recent(found.recent)
        self._floods = limits.Floods(found.same)
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
        elif (
            known.pk is not None
            and known.pk not in told_lines
            and self._now - known.sent_at < _TOLD_AGAIN_FOR
        ):
            self._again[known.pk] = known
        return Posted(known)

    def _judged(self, draft: Draft) -> Message:
        """Make a message of a draft, or refuse it."""
        author_id, piece_id, at = draft.author_id, draft.piece_id, draft.sent_at
        standing = self._standings.get(piece_id)
        if standing is None:
            raise NotFound
        author = self._found.authors.get(author_id)
        keeps = standing.moderates(author_id, is_operator=author is not None and author.is_operator)
        check_may_write(
            standing,
            author_id,
            keeps=keeps,
            follows=(standing.creator_id, author_id) in self._found.follows,
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
        if draft.reply_to is not None:
            answered = self._found.answered.get(draft.reply_to)
            if answered is None or answered.piece_id != piece_id:
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
            read = kept.names.of if self._as_kept else mentions.names_in
            names = self._names[standing.piece_id] = read(
                standing.piece_id,
                host=(standing.host_id, standing.creator_name),
                moderators=standing.moderators,
            )
        return mentions.mentioned(draft.body, names)

    def _tell(self) -> None:
        shown: defaultdict[int, list[int]] = defaultdict(list)
        waiting: defaultdict[int, list[int]] = defaultdict(list)
        # Whoever says a line again was not told that it is written down: the process may have died
        # before anybody else was told, and who has it already sees no difference. What this one
        # told is not told again, however often somebody says so.
        for message in [*self._new, *self._again.values()]:
            if message.deleted_at is not None or message.state == MessageState.REJECTED:
                continue
            is_shown = message.state == MessageState.SHOWN
            (shown if is_shown else waiting)[message.piece_id].append(message.pk)
        fresh = [
            self._fresh(message, author)
            for message in self._new
            if message.state == MessageState.SHOWN
            and (author := self._found.authors.get(message.author_id)) is not None
        ]
        transaction.on_commit(partial(fresh_lines.put, fresh), robust=True)
        for piece_id, ids in shown.items():
            publish(ChatPosted(piece_id=piece_id, message_ids=ids))
        for piece_id, ids in waiting.items():
            publish(ChatHeld(piece_id=piece_id, message_ids=ids))
        transaction.on_commit(partial(fresh_lines.drop, fresh), robust=True)
        told = [message.pk for message in self._new] + list(self._again)
        transaction.on_commit(partial(told_lines.add, told), robust=True)
        for at in {message.shown_at for message in self._new if message.shown_at is not None}:
            transaction.on_commit(partial(holding.timetable.show_at, at), robust=True)

    def _fresh(self, message: Message, author: statements.Author) -> FreshLine:
        answered = message.reply_to_id
        return FreshLine(
            message,
            author=author.name,
            answered=None if answered is None else self._found.answered[answered],
        )


_Key = tuple[int, int, UUID]


def _key(draft: Draft) -> _Key:
    return draft.piece_id, draft.author_id, draft.client_id
