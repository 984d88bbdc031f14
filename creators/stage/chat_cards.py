"""What browsers are told of lines and questions; built from rows that were read together."""

from collections.abc import Collection, Iterable
from operator import attrgetter
from typing import Final, Literal, cast

from django.db.models import F, QuerySet

from creators.chat.fresh import FreshLine, fresh_lines
from creators.chat.models import Message, MessageState, PinnedLine, Question
from creators.chat.standing import Rules
from creators.stage import wire
from creators.stage.times import ms, ms_or_none

# So much of a line is repeated where it is answered; the pages cut as long.
REPLY_LENGTH: Final = 80
MESSAGES: Final = 50
WAITING: Final = 50
OPEN_QUESTIONS: Final = 100
ANSWERED_QUESTIONS: Final = 30


def with_people(messages: "QuerySet[Message]") -> "QuerySet[Message]":
    """Read with the lines what their cards need, in the same query."""
    return messages.select_related("author", "reply_to__author")


# --- Lines ------------------------------------------------------------------------------------


def chat_line(message: Message) -> wire.ChatLine:
    if message.deleted_at is not None:
        return wire.ChatLine(
            id=message.pk,
            author_id=None,
            author="",
            body="",
            sent_at=ms(message.sent_at),
            client_id=None,
            rev=message.rev,
            deleted=True,
        )
    return _seen_line(
        message,
        author=message.author.display_name,
        reply=None if message.reply_to is None else _reply_card(message.reply_to),
    )


def _seen_line(message: Message, *, author: str, reply: wire.ReplyCard | None) -> wire.ChatLine:
    return wire.ChatLine(
        id=message.pk,
        author_id=message.author_id,
        author=author,
        body=message.body,
        sent_at=ms(message.sent_at),
        client_id=message.client_id,
        badge=cast('Literal["", "host", "moderator"]', str(message.badge)),
        reply=reply,
        mentions=message.mentions,
        rev=message.rev,
    )


def _reply_card(answered: Message) -> wire.ReplyCard:
    if not answered.is_seen:
        return wire.ReplyCard(id=answered.pk, author="", body="")
    return wire.ReplyCard(
        id=answered.pk, author=answered.author.display_name, body=answered.body[:REPLY_LENGTH]
    )


def _fresh_line(line: FreshLine) -> wire.ChatLine:
    to = line.answered
    return _seen_line(
        line.message,
        author=line.author,
        reply=None
        if to is None
        else wire.ReplyCard(id=to.id, author=to.author, body=to.body[:REPLY_LENGTH]),
    )


def lines(message_ids: Collection[int]) -> list[wire.ChatLine]:
    """Show those of these lines that are seen, in the order of their ids."""
    found = Message.objects.filter(pk__in=message_ids, state=MessageState.SHOWN).order_by("pk")
    return [chat_line(message) for message in with_people(found)]


def posted_lines(message_ids: Collection[int]) -> list[wire.ChatLine]:
    """Show lines as `lines` does; those that this process has just written without a query."""
    fresh = fresh_lines.of(message_ids)
    others = [pk for pk in message_ids if pk not in fresh]
    cards = [_fresh_line(line) for line in fresh.values()]
    if others:
        cards = sorted([*cards, *lines(others)], key=attrgetter("id"))
    return cards


def newest_lines(piece_id: int) -> list[wire.ChatLine]:
    newest = Message.objects.filter(piece_id=piece_id, state=MessageState.SHOWN).order_by("-pk")
    return [chat_line(message) for message in reversed(with_people(newest)[:MESSAGES])]


def pinned_line(piece_id: int) -> tuple[int, wire.ChatLine | None]:
    """Find what stands above a show's chat, with its rev; 0 for never anything."""
    pinned = (
        PinnedLine.objects.filter(piece_id=piece_id)
        .select_related("message__author", "message__reply_to__author")
        .first()
    )
    if pinned is None:
        return 0, None
    line = pinned.message
    return pinned.rev, chat_line(line) if line is not None and line.is_seen else None


def held_cards(messages: Iterable[Message]) -> list[wire.HeldCard]:
    """Show moderators lines that others don't see; `why` is "", "flood" or "filter:…"."""
    return [
        wire.HeldCard(
            id=message.pk,
            rev=message.rev,
            line=chat_line(message),
            state=_held_state(message),
            why=message.why,
            shown_at=ms_or_none(message.shown_at),
        )
        for message in messages
    ]


def _held_state(message: Message) -> Literal["held", "withheld", "shown", "rejected"]:
    """Tell what becomes of a line; one that its author took back waits no more."""
    if message.deleted_at is not None:
        return "rejected"
    return cast('Literal["held", "withheld", "shown", "rejected"]', str(message.state))


def waiting(piece_id: int) -> list[wire.HeldCard]:
    """List the lines of a show that wait for their time or a moderator, the newest of them."""
    newest = Message.objects.filter(
        piece_id=piece_id,
        state__in=[MessageState.HELD, MessageState.WITHHELD],
        deleted_at__isnull=True,
    ).order_by("-pk")
    return held_cards(reversed(with_people(newest)[:WAITING]))


# --- Questions --------------------------------------------------------------------------------


def question_card(question: Question) -> wire.QuestionCard:
    is_gone = question.deleted_at is not None
    return wire.QuestionCard(
        id=question.pk,
        rev=question.rev,
        product_id=question.product_id,
        author="" if is_gone else question.author.display_name,
        body="" if is_gone else question.body,
        votes=question.votes,
        asked_at=ms(question.asked_at),
        answered_at=ms_or_none(question.answered_at),
        deleted=is_gone,
    )


def questions(piece_id: int) -> list[wire.QuestionCard]:
    """List the open questions that most want answered, then those that were answered last."""
    kept = Question.objects.select_related("author").filter(
        piece_id=piece_id, deleted_at__isnull=True
    )
    still_open = kept.filter(answered_at__isnull=True).order_by("-votes", "pk")[:OPEN_QUESTIONS]
    answered = kept.filter(answered_at__isnull=False).order_by(F("answered_at").desc(), "-pk")
    return [question_card(one) for one in [*still_open, *answered[:ANSWERED_QUESTIONS]]]


# --- Rules ------------------------------------------------------------------------------------


def rules_card(rules: Rules) -> wire.RulesCard:
    return wire.RulesCard(
        slow_seconds=rules.slow_seconds,
        hold_seconds=rules.hold_seconds,
        followers_only=rules.followers_only,
    )
