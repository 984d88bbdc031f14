"""What browsers are told of the chat and of how it is kept; as in `reactions.py`."""

from datetime import datetime

from creators.chat.events import (
    ChatDeleted,
    ChatPosted,
    UserMuted,
    UserUnmuted,
)
from creators.chat.models import Message
from creators.stage import publishing, snapshot, wire
from creators.stage.rooms import host_room, live_room, own_room
from creators.stage.times import ms
from shops.accounts.models import User

# --- Lines ------------------------------------------------------------------------------------


def chat_posted(fact: ChatPosted) -> None:
    lines = (
        Message.objects.select_related("author", "piece__creator")
        .filter(pk__in=fact.message_ids)
        .order_by("pk")
    )
    publishing.publish(
        live_room(fact.piece_id),
        [
            wire.Chat(line=snapshot.chat_line(line, host_id=line.piece.creator.user_id))
            for line in lines
        ],
    )


def chat_deleted(fact: ChatDeleted) -> None:
    rev = Message.objects.values_list("rev", flat=True).get(pk=fact.message_id)
    publishing.publish(live_room(fact.piece_id), [wire.ChatDeleted(id=fact.message_id, rev=rev)])


# --- Who may write ----------------------------------------------------------------------------


def user_muted(fact: UserMuted) -> None:
    """Tell the muted user and the host; it is nobody else's business."""
    event = wire.Muted(
        piece_id=fact.piece_id,
        user_id=fact.user_id,
        name=User.objects.get(pk=fact.user_id).display_name,
        until=ms(datetime.fromisoformat(fact.until)),
        rev=fact.mute_id,
    )
    publishing.publish(own_room(fact.user_id), [event])
    publishing.publish(host_room(fact.piece_id), [event])


def user_unmuted(fact: UserUnmuted) -> None:
    event = wire.Unmuted(piece_id=fact.piece_id, user_id=fact.user_id, rev=fact.mute_id)
    publishing.publish(own_room(fact.user_id), [event])
    publishing.publish(host_room(fact.piece_id), [event])
