"""The line that stands above a show's chat."""

from datetime import datetime

from django.db import transaction

from creators.chat.events import LinePinned
from creators.chat.models import Message, MessageState, PinnedLine
from creators.chat.moderation import actions
from creators.chat.moderation.authority import TO_MODERATE, lock, need, place_of
from shops.accounts.models import User
from shops.facts.publishing import publish
from shops.facts.refused import NotFound


@transaction.atomic
def pin_line(
    *, piece_id: int, message_id: int, by: User, now: datetime, reason: str = ""
) -> PinnedLine:
    """Put a line above its show's chat, in place of another; again changes nothing.

    :raises NotAllowed: `by` doesn't moderate the show
    :raises NotFound: the show has no such line that everybody can see
    """
    place = place_of(piece_id)
    lock(place)
    need(by, place, TO_MODERATE)
    line = Message.objects.filter(
        pk=message_id, piece_id=piece_id, state=MessageState.SHOWN, deleted_at__isnull=True
    ).first()
    if line is None:
        raise NotFound
    before, pinned = put(piece_id=piece_id, message_id=message_id, by=by, now=now)
    if before != message_id:
        actions.record(
            kind=actions.ActionKind.PIN,
            place=place,
            by=by,
            now=now,
            reason=reason,
            subject_id=line.author_id,
            message_id=message_id,
            before={"message": before, "rev": pinned.rev},
        )
    return pinned


@transaction.atomic
def unpin_line(*, piece_id: int, by: User, now: datetime, reason: str = "") -> None:
    """Take down the line that stands above a show's chat, if there is one.

    :raises NotAllowed: `by` doesn't moderate the show
    """
    place = place_of(piece_id)
    lock(place)
    need(by, place, TO_MODERATE)
    if not PinnedLine.objects.filter(piece_id=piece_id, message__isnull=False).exists():
        return
    before, pinned = put(piece_id=piece_id, message_id=None, by=by, now=now)
    if before is not None:
        actions.record(
            kind=actions.ActionKind.UNPIN,
            place=place,
            by=by,
            now=now,
            reason=reason,
            message_id=before,
            before={"message": before, "rev": pinned.rev},
        )


def put(
    *, piece_id: int, message_id: int | None, by: User, now: datetime
) -> tuple[int | None, PinnedLine]:
    """Have a line, or none, stand above the chat; return the one that stood there, and the row.

    The caller is in a transaction and has asked whether `by` may. The row's `rev` grows only when
    something changes.
    """
    PinnedLine.objects.bulk_create(
        [PinnedLine(piece_id=piece_id, message=None, by=by, at=now, rev=0)],
        ignore_conflicts=True,
    )
    pinned = PinnedLine.objects.select_for_update().get(piece_id=piece_id)
    before = pinned.message_id
    if before != message_id:
        pinned.message_id, pinned.by, pinned.at = message_id, by, now
        pinned.rev += 1
        pinned.save(update_fields=["message", "by", "at", "rev"])
        publish(LinePinned(piece_id=piece_id, rev=pinned.rev))
    return before, pinned


def take_down(*, message_id: int, by: User, now: datetime) -> None:
    """Take a line down that was deleted; the caller is in the transaction that deletes it."""
    for piece_id in PinnedLine.objects.filter(message_id=message_id).values_list(
        "piece_id", flat=True
    ):
        put(piece_id=piece_id, message_id=None, by=by, now=now)
