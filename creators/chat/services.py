"""The host's ways of keeping a show's chat friendly."""

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from creators.chat import limits
from creators.chat.events import ChatDeleted, UserMuted, UserUnmuted
from creators.chat.models import Message, Mute
from creators.chat.queries import open_mute
from creators.pieces.queries import piece_with_creator
from creators.profiles.queries import is_operator
from shops.accounts.models import User
from shops.facts.publishing import publish
from shops.facts.refused import Invalid, NotAllowed, NotFound

MUTE_FOR: Final = timedelta(minutes=10)
LONGEST_MUTE: Final = timedelta(days=1)


@transaction.atomic
def delete_message(*, message_id: int, by: User, now: datetime) -> Message:
    """Take a line out of the chat; its row stays. Deleting it again changes nothing.

    :raises NotFound: there is no such message
    :raises NotAllowed: `by` is not its author, the host or an operator
    """
    message = (
        Message.objects.select_for_update(of=("self",))
        .select_related("piece__creator")
        .filter(pk=message_id)
        .first()
    )
    if message is None:
        raise NotFound
    host_id = message.piece.creator.user_id
    if by.pk not in (message.author_id, host_id) and not is_operator(by):
        raise NotAllowed
    if message.deleted_at is None:
        message.deleted_at, message.deleted_by = now, by
        message.rev += 1
        message.save(update_fields=["deleted_at", "deleted_by", "rev"])
        publish(ChatDeleted(message_id=message.pk, piece_id=message.piece_id, by_id=by.pk))
    return message


def _may_mute(*, piece_id: int, user_id: int, by: User) -> None:
    host_id = piece_with_creator(piece_id).creator.user_id
    if user_id == by.pk or user_id == host_id:
        raise Invalid(_("The host can't be muted, nor you yourself."))
    if by.pk != host_id and not is_operator(by):
        raise NotAllowed


@transaction.atomic
def mute(
    *,
    piece_id: int,
    user_id: int,
    by: User,
    now: datetime,
    lasts: timedelta = MUTE_FOR,
    reason: str = "",
) -> Mute:
    """Stop a user from writing in a show for a while (10 minutes unless told, a day at most).

    A user who is muted already is muted until the later of both times.

    :raises NotAllowed: `by` is neither the host nor an operator
    :raises Invalid: the host or oneself, or not a length of time from a second to a day
    :raises NotFound: there is no such piece or user
    """
    _may_mute(piece_id=piece_id, user_id=user_id, by=by)
    if not timedelta(seconds=1) <= lasts <= LONGEST_MUTE:
        raise Invalid(_("A mute lasts a day at most."))
    limits.serialise(author_ids=[user_id])
    if not User.objects.filter(pk=user_id).exists():
        raise NotFound
    until = now + lasts
    muted = open_mute(piece_id=piece_id, user_id=user_id, now=now)
    if muted is not None and muted.until >= until:
        return muted
    muted = Mute.objects.create(
        piece_id=piece_id,
        user_id=user_id,
        muted_by=by,
        reason=reason.strip()[:200],
        at=now,
        until=until,
    )
    publish(
        UserMuted(mute_id=muted.pk, piece_id=piece_id, user_id=user_id, until=until.isoformat())
    )
    return muted


@transaction.atomic
def unmute(*, piece_id: int, user_id: int, by: User, now: datetime) -> None:
    """Let a muted user write again; nothing changes for one who is not muted.

    :raises NotAllowed: `by` is neither the host nor an operator
    """
    _may_mute(piece_id=piece_id, user_id=user_id, by=by)
    limits.serialise(author_ids=[user_id])
    muted = open_mute(piece_id=piece_id, user_id=user_id, now=now)
    if muted is None:
        return
    Mute.objects.filter(
        piece_id=piece_id, user_id=user_id, lifted_at__isnull=True, until__gt=now
    ).update(lifted_at=now)
    publish(UserUnmuted(mute_id=muted.pk, piece_id=piece_id, user_id=user_id))


@transaction.atomic
def erase(*, piece_id: int) -> None:
    """Delete what was said in a piece and who was muted there: it was a rehearsal."""
    Message.objects.filter(piece_id=piece_id).delete()
    Mute.objects.filter(piece_id=piece_id).delete()
