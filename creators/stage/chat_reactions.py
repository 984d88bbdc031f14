"""What browsers are told of the chat and of how it is kept; as in `reactions.py`."""

from datetime import datetime

from creators.chat.events import (
    ChatDeleted,
    ChatHeld,
    ChatPosted,
    ChatRestored,
    LinePinned,
    QuestionChanged,
    UserMuted,
    UserUnmuted,
)
from creators.chat.models import Message, MessageState, Question
from creators.stage import chat_cards, publishing, wire
from creators.stage.rooms import host_room, live_room, mods_room, own_room
from creators.stage.times import ms
from shops.accounts.models import User

# --- Lines ------------------------------------------------------------------------------------


def chat_posted(fact: ChatPosted) -> None:
    """Tell a whole batch at once: one query, one message to the room."""
    publishing.publish(
        live_room(fact.piece_id),
        [wire.Chat(line=line) for line in chat_cards.lines(fact.message_ids)],
    )


def chat_held(fact: ChatHeld) -> None:
    found = chat_cards.with_people(Message.objects.filter(pk__in=fact.message_ids))
    publishing.publish(
        mods_room(fact.piece_id),
        [wire.Held(held=card) for card in chat_cards.held_cards(found.order_by("pk"))],
    )


def chat_deleted(fact: ChatDeleted) -> None:
    """Take a line off the pages; one that they never had is not spoken of."""
    rev = (
        Message.objects.filter(pk=fact.message_id, state=MessageState.SHOWN)
        .values_list("rev", flat=True)
        .first()
    )
    if rev is not None:
        publishing.publish(
            live_room(fact.piece_id), [wire.ChatDeleted(id=fact.message_id, rev=rev)]
        )


def chat_restored(fact: ChatRestored) -> None:
    publishing.publish(
        live_room(fact.piece_id),
        [wire.Chat(line=line) for line in chat_cards.lines([fact.message_id])],
    )


def line_pinned(fact: LinePinned) -> None:
    rev, line = chat_cards.pinned_line(fact.piece_id)
    publishing.publish(live_room(fact.piece_id), [wire.ChatPinned(rev=rev, line=line)])


def question_changed(fact: QuestionChanged) -> None:
    question = Question.objects.select_related("author").get(pk=fact.question_id)
    publishing.publish(
        live_room(fact.piece_id), [wire.Question(question=chat_cards.question_card(question))]
    )


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
