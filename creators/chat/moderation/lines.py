"""Deleting lines and bringing them back, and deciding about those that wait."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from creators.chat import holding, pinning
from creators.chat.events import ChatDeleted, ChatHeld, ChatRestored
from creators.chat.models import Message, MessageState
from creators.chat.moderation.actions import ActionKind, record
from creators.chat.moderation.authority import (
    TO_MODERATE,
    Place,
    lock,
    need,
    need_as_much_as,
    place_of,
)
from shops.accounts.models import User
from shops.facts.publishing import publish
from shops.facts.refused import NotFound, Refused


class NotDeleted(Refused):
    code = "not_deleted"
    message = _("This line was not deleted by a moderator, or it is back already.")


def _found(message_id: int) -> tuple[Message, Place]:
    """Find a line with its place, and keep others from changing it.

    :raises NotFound: there is none
    """
    piece_id = Message.objects.filter(pk=message_id).values_list("piece_id", flat=True).first()
    if piece_id is None:
        raise NotFound
    place = place_of(piece_id)
    lock(place)
    return Message.objects.select_for_update(of=("self",)).get(pk=message_id), place


def take_out(message: Message, *, by: User, now: datetime) -> None:
    """Delete a line; its row stays, and nobody but moderators is told what it said."""
    message.deleted_at, message.deleted_by = now, by
    message.rev += 1
    message.save(update_fields=["deleted_at", "deleted_by", "rev"])
    publish(ChatDeleted(message_id=message.pk, piece_id=message.piece_id, by_id=by.pk))
    pinning.take_down(message_id=message.pk, by=by, now=now)
    _tell_waiting(message)


def put_back(message: Message, *, by: User) -> None:
    """Bring a deleted line back to its place."""
    message.deleted_at = message.deleted_by = None
    message.rev += 1
    message.save(update_fields=["deleted_at", "deleted_by", "rev"])
    if message.state == MessageState.SHOWN:
        publish(ChatRestored(message_id=message.pk, piece_id=message.piece_id, by_id=by.pk))
    _tell_waiting(message)


def _tell_waiting(message: Message) -> None:
    if message.state in (MessageState.HELD, MessageState.WITHHELD):
        publish(ChatHeld(piece_id=message.piece_id, message_ids=[message.pk]))


@transaction.atomic
def delete_message(*, message_id: int, by: User, now: datetime, reason: str = "") -> Message:
    """Take a line out of the chat; its row stays. Deleting it again changes nothing.

    Authors delete their own; what a moderator deletes stands in the log and can be undone.

    :raises NotFound: there is no such line
    :raises NotAllowed: `by` is neither its author nor a moderator, or its author is above them
    """
    message, place = _found(message_id)
    is_own = by.pk == message.author_id
    if not is_own:
        need_as_much_as(by, message.author, place, TO_MODERATE)
    if message.deleted_at is not None:
        return message
    take_out(message, by=by, now=now)
    if not is_own:
        record(
            kind=ActionKind.DELETE,
            place=place,
            by=by,
            subject_id=message.author_id,
            message_id=message.pk,
            reason=reason,
            now=now,
            before={"at": now.isoformat()},
        )
    return message


@transaction.atomic
def restore_message(*, message_id: int, by: User, now: datetime, reason: str = "") -> Message:
    """Bring back a line that a moderator deleted; what its author deleted stays deleted.

    :raises NotFound: there is no such line
    :raises NotAllowed: `by` may not moderate there, or somebody above them deleted it
    :raises NotDeleted: no moderator deleted it
    """
    message, place = _found(message_id)
    need(by, place, TO_MODERATE)
    deleted_at, deleted_by = message.deleted_at, message.deleted_by
    if deleted_at is None or deleted_by is None or deleted_by.pk == message.author_id:
        raise NotDeleted
    need_as_much_as(by, deleted_by, place, TO_MODERATE)
    put_back(message, by=by)
    record(
        kind=ActionKind.RESTORE,
        place=place,
        by=by,
        subject_id=message.author_id,
        message_id=message.pk,
        reason=reason,
        now=now,
        before={"at": deleted_at.isoformat(), "by": deleted_by.pk},
    )
    return message


@transaction.atomic
def judge_line(
    *, message_id: int, show: bool, by: User, now: datetime, reason: str = ""
) -> Message:
    """Show a line that waits, or keep it back for good.

    :raises NotFound: there is no such line
    :raises NotAllowed: `by` may not moderate there
    :raises JudgedAlready: it does not wait (any more)
    """
    message, place = _found(message_id)
    need(by, place, TO_MODERATE)
    if message.deleted_at is not None:
        raise NotFound
    judged = holding.judge_held(message_id=message_id, show=show, by=by, now=now)
    record(
        kind=ActionKind.SHOW if show else ActionKind.REJECT,
        place=place,
        by=by,
        subject_id=message.author_id,
        message_id=message.pk,
        reason=reason,
        now=now,
    )
    return judged


def in_show(message_id: int, piece_id: int) -> int:
    """Let a page name the lines of its own show only.

    :raises NotFound: the line is not one of this show
    """
    if not Message.objects.filter(pk=message_id, piece_id=piece_id).exists():
        raise NotFound
    return message_id
