"""What the user of a socket writes: lines of the chat, and how the host keeps it friendly."""

from datetime import datetime, timedelta
from functools import partial

from creators.chat import services as chat
from creators.chat.models import Message
from creators.stage import wire
from creators.stage.grace import grace_of
from shops.accounts.models import User
from shops.facts.refused import NotFound

Written = wire.SendChat | wire.DeleteMessage | wire.Mute | wire.Unmute


def write(said: Written, *, user: User, piece_id: int, now: datetime) -> None:
    """Do what was said; each service decides whether this user may."""
    match said:
        case wire.SendChat(client_id=client_id, body=body):
            post = partial(
                chat.post_message,
                piece_id=piece_id,
                author=user,
                client_id=client_id,
                body=body,
                now=now,
            )
            try:
                post()
            except chat.ChatClosed:
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
                lasts=timedelta(seconds=seconds),
                reason=reason,
                now=now,
            )
        case wire.Unmute(user_id=user_id):
            chat.unmute(piece_id=piece_id, user_id=user_id, by=user, now=now)
