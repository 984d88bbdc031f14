"""What the user of a socket writes: lines and questions, and how its keepers keep it friendly."""

import asyncio
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.utils import translation

from creators.chat import batcher, questions
from creators.chat.models import Message
from creators.chat.moderation import lines, sanctions
from creators.chat.posting import Draft, Posted
from creators.chat.writers import ChatClosed
from creators.stage import pictures, publishing, rooms, wire
from creators.stage.grace import grace_of
from creators.stage.refusals import TooMany
from creators.stage.threads import in_thread
from creators.stage.times import ms_or_none
from shops.accounts.models import User
from shops.facts.refused import NotFound

if TYPE_CHECKING:
    from creators.stage.conversation import Conversation

Written = wire.SendChat | wire.Ask | wire.VoteFor | wire.DeleteMessage | wire.Mute | wire.Unmute


def lines_next(queue: deque[Any]) -> Iterator[Written]:
    """Take what else is to be written and waits right behind: it may go into one transaction."""
    while queue and isinstance(queue[0], Written):
        yield queue.popleft()


async def write_all(who: "Conversation", some: list[Written]) -> None:
    """Write down what was said, in its order, and answer each.

    Lines that come one after the other wait for one transaction together, with everybody else's.
    """
    waiting: list[tuple[wire.SendChat, Draft, Future[Posted]]] = []
    for said in some:
        try:
            user_id, piece_id = who.need_user(), who.need_show()
            if isinstance(said, wire.SendChat):
                draft = Draft(
                    piece_id, user_id, said.client_id, said.body, said.reply_to, datetime.now(UTC)
                )
                waiting.append((said, draft, batcher.submit(draft)))
                continue
            await _answer_lines(who, waiting)
            told = await in_thread(
                _write, said, user_id=user_id, piece_id=piece_id, language=who.language
            )
            if told is not None:
                who.tell(told)
        except Exception as error:
            who.refuse(error, said)
    await _answer_lines(who, waiting)


async def _answer_lines(
    who: "Conversation", waiting: list[tuple[wire.SendChat, Draft, Future[Posted]]]
) -> None:
    """Tell the author of each line what became of it, once that is certain."""
    for said, draft, future in waiting:
        try:
            try:
                posted = await asyncio.wrap_future(future)
            except ChatClosed:
                # Whoever writes may still see the show, as late as their picture is.
                grace = await in_thread(grace_of, draft.piece_id)
                again = Draft(
                    draft.piece_id,
                    draft.author_id,
                    draft.client_id,
                    draft.body,
                    draft.reply_to,
                    draft.sent_at,
                    grace,
                )
                posted = await asyncio.wrap_future(batcher.submit(again))
            who.tell(
                wire.Said(
                    client_id=said.client_id,
                    id=posted.message_id,
                    state=posted.state,
                    shown_at=ms_or_none(posted.shown_at),
                )
            )
        except Exception as error:
            who.refuse(error, said)
    waiting.clear()


def _write(said: Written, *, user_id: int, piece_id: int, language: str) -> wire.Said | None:
    user = User.objects.get(pk=user_id)
    with translation.override(language):
        return write(said, user=user, piece_id=piece_id, now=datetime.now(UTC))


def write(said: Written, *, user: User, piece_id: int, now: datetime) -> wire.Said | None:
    """Do what was said; each service decides whether this user may."""
    match said:
        case wire.Ask(client_id=client_id, body=body, product_id=product_id):
            question = questions.ask(
                piece_id=piece_id,
                author=user,
                client_id=client_id,
                body=body,
                product_id=product_id,
                now=now,
                grace=grace_of(piece_id),
            )
            return wire.Said(client_id=client_id, id=question.pk, state="shown", shown_at=None)
        case wire.VoteFor(question_id=question_id):
            questions.vote(question_id=question_id, piece_id=piece_id, by=user, now=now)
        case wire.DeleteMessage(message_id=message_id, reason=reason):
            # From this page only its own show's; who may do it is the chat's decision.
            if not Message.objects.filter(pk=message_id, piece_id=piece_id).exists():
                raise NotFound
            lines.delete_message(message_id=message_id, by=user, reason=reason, now=now)
        case wire.Mute(user_id=user_id, seconds=seconds, scope=scope, reason=reason):
            sanctions.mute(
                piece_id=piece_id,
                user_id=user_id,
                by=user,
                lasts=None if seconds is None else timedelta(seconds=seconds),
                scope=scope,
                reason=reason,
                now=now,
            )
        case wire.Unmute(user_id=user_id, reason=reason):
            sanctions.unmute(piece_id=piece_id, user_id=user_id, by=user, reason=reason, now=now)
    return None


async def say_caption(who: "Conversation", said: wire.SayCaption) -> None:
    """Keep what the host says as a caption, and tell it."""
    piece_id = who.need_show()
    is_host = who.role == "host"
    # What others try must not use up what the host may say.
    if is_host and not who.desk.captions.take(rooms.live_room(piece_id)):
        raise TooMany
    await in_thread(_say_caption, said, piece_id=piece_id, is_host=is_host, language=who.language)


def _say_caption(said: wire.SayCaption, *, piece_id: int, is_host: bool, language: str) -> None:
    with translation.override(language):
        card = pictures.say_caption(
            piece_id=piece_id,
            is_host=is_host,
            text=said.text,
            lang=said.lang,
            spoken_ms=said.spoken_ms,
            now=datetime.now(UTC),
        )
    publishing.publish(rooms.live_room(piece_id), [wire.Caption(caption=card)])
