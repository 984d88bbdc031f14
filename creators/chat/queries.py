"""Reads of a show's chat: its last lines, who may not write."""

from collections.abc import Sequence
from datetime import datetime

from creators.chat.models import Message, Mute


def last_messages(*, piece_id: int, limit: int = 50) -> Sequence[Message]:
    """List the newest lines that were not deleted, oldest first, each with its author."""
    newest = (
        Message.objects.select_related("author")
        .filter(piece_id=piece_id, deleted_at__isnull=True)
        .order_by("-pk")[:limit]
    )
    return list(newest)[::-1]


def open_mute(*, piece_id: int, user_id: int, now: datetime) -> Mute | None:
    """Find the mute that stops a user from writing now, the one that lasts longest."""
    return (
        Mute.objects.filter(
            piece_id=piece_id, user_id=user_id, until__gt=now, lifted_at__isnull=True
        )
        .order_by("-until")
        .first()
    )


def open_mutes(*, piece_id: int, now: datetime) -> Sequence[Mute]:
    """List who is muted in a show now, each user once, with the mute that lasts longest."""
    return list(
        Mute.objects.select_related("user")
        .filter(piece_id=piece_id, until__gt=now, lifted_at__isnull=True)
        .order_by("user_id", "-until")
        .distinct("user_id")
    )


def lines_between(
    *, piece_id: int, since: datetime, here: datetime, until: datetime, before: int, after: int
) -> tuple[Sequence[Message], Sequence[Message]]:
    """List the lines of a stretch around an instant in it: the last before it, the first after it.

    Each with its author, oldest first, without the deleted; `before` and `after` are the most.
    """
    kept = Message.objects.select_related("author").filter(
        piece_id=piece_id, deleted_at__isnull=True
    )
    earlier = kept.filter(sent_at__gte=since, sent_at__lt=here).order_by("-sent_at", "-pk")
    later = kept.filter(sent_at__gte=here, sent_at__lt=until).order_by("sent_at", "pk")
    return list(earlier[:before])[::-1], list(later[:after])
