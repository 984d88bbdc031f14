"""What the user of a socket writes: lines of the chat, and how the host keeps it friendly."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from django.utils import translation

from creators.chat import posting
from creators.chat import services as chat
from creators.chat.models import Message
from creators.chat.writers import ChatClosed
from creators.stage import pictures, publishing, rooms, wire
from creators.stage.desk import in_thread
from creators.stage.grace import grace_of
from shops.accounts.models import User
from shops.facts.refused import NotFound, Refused

if TYPE_CHECKING:
    from creators.stage.conversation import Conversation

Written = wire.SendChat | wire.Ask | wire.VoteFor | wire.DeleteMessage | wire.Mute | wire.Unmute


async def write_all(who: "Conversation", some: list[Written]) -> None:
    """Write down what was said, in its order, and answer each."""
    user_id, piece_id = who.need_user(), who.need_show()
    for said in some:
        try:
            await in_thread(_write, said, user_id=user_id, piece_id=piece_id, language=who.language)
        except Exception as error:
            who.refuse(error, said)


def _write(said: Written, *, user_id: int, piece_id: int, language: str) -> None:
    user = User.objects.get(pk=user_id)
    with translation.override(language):
        write(said, user=user, piece_id=piece_id, now=datetime.now(UTC))


def write(said: Written, *, user: User, piece_id: int, now: datetime) -> None:
    """Do what was said; each service decides whether this user may."""
    match said:
        case wire.SendChat(client_id=client_id, body=body):
            post = partial(
                posting.post_message,
                piece_id=piece_id,
                author=user,
                client_id=client_id,
                body=body,
                now=now,
            )
            try:
                post()
            except ChatClosed:
                # Whoever writes may still see the show, as late as their picture is.
                post(grace=grace_of(piece_id))
        case wire.DeleteMessage(message_id=message_id):
            # From this page only its own show's; who may do it is the chat's decision.
            if not Message.objects.filter(pk=message_id, piece_id=piece_id).exists():
                raise NotFound
            chat.delete_message(message_id=message_id, by=user, now=now)
        case wire.Mute(user_id=user_id, seconds=seconds, reason=reason):
            chat.mute(
                piece_id=piece_id,
                user_id=user_id,
                by=user,
                lasts=timedelta(seconds=seconds or 600),
                reason=reason,
                now=now,
            )
        case wire.Unmute(user_id=user_id):
            chat.unmute(piece_id=piece_id, user_id=user_id, by=user, now=now)


class TooManyCaptions(Refused):
    code = "too_many"
    message = translation.gettext_lazy("That was too much at once. Wait a moment.")
    status = 429


async def say_caption(who: "Conversation", said: wire.SayCaption) -> None:
    """Keep what the host says as a caption, and tell it."""
    piece_id = who.need_show()
    is_host = who.role == "host"
    # What others try must not use up what the host may say.
    if is_host and not who.desk.captions.take(rooms.live_room(piece_id)):
        raise TooManyCaptions
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
