"""Reads: who is sanctioned, who moderates, the rules, the filters, the log."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db.models import Q, QuerySet

from creators.chat.models import (
    Action,
    Appeal,
    AppealState,
    ChatRules,
    Filter,
    Message,
    MessageState,
    Moderator,
    Sanction,
    SanctionKind,
)
from creators.chat.moderation.authority import Place
from creators.chat.moderation.filters import Rule
from creators.chat.standing import Rules, rules_from
from shops.accounts.models import User

DRY_RUN_LINES: Final = 1_000
# Of what may be thousands, so many are listed.
SANCTIONS: Final = 100
APPEALS: Final = 50


def holding(now: datetime) -> QuerySet[Sanction]:
    """Select the sanctions that hold at an instant."""
    return Sanction.objects.filter(
        Q(until=None) | Q(until__gt=now), lifted_at__isnull=True, at__lte=now
    )


def _longest_first(sanctions: QuerySet[Sanction]) -> list[Sanction]:
    """Sort: what has no end first, then the later end, then what was first."""
    return sorted(
        sanctions.select_related("user", "by", "piece", "creator", "appeal"),
        key=lambda one: (
            one.until is not None,
            -one.until.timestamp() if one.until is not None else 0,
            one.pk,
        ),
    )


def _open(place: Place, now: datetime, kind: str | None, words: str) -> QuerySet[Sanction]:
    found = holding(now).filter(place.touching)
    if kind is not None:
        found = found.filter(kind=kind)
    if words:
        found = found.filter(Q(user__display_name__icontains=words) | Q(reason__icontains=words))
    return found


def open_sanctions(
    *,
    place: Place,
    now: datetime,
    kind: str | None = None,
    words: str = "",
    limit: int = SANCTIONS,
) -> list[Sanction]:
    """List who is muted or banned in a place, each with its user; the longest first.

    In a show: also those of all shows. Without a piece: all of the creator's, of single shows too.
    Of thousands, as a block list has, only the newest.
    """
    newest = _open(place, now, kind, words).order_by("-pk")[:limit]
    return _longest_first(Sanction.objects.filter(pk__in=[one.pk for one in newest.only("pk")]))


def count_open_sanctions(*, place: Place, now: datetime, words: str = "") -> int:
    return _open(place, now, None, words).count()


def open_sanction(*, kind: str, piece_id: int, user_id: int, now: datetime) -> Sanction | None:
    """Find the mute or ban that holds for a user in a show, the one that lasts longest."""
    found = _longest_first(
        holding(now).filter(
            Q(piece_id=piece_id) | Q(piece=None, creator__pieces=piece_id),
            kind=kind,
            user_id=user_id,
        )
    )
    return found[0] if found else None


def open_mute(*, piece_id: int, user_id: int, now: datetime) -> Sanction | None:
    return open_sanction(kind=SanctionKind.MUTE, piece_id=piece_id, user_id=user_id, now=now)


def open_ban(*, piece_id: int, user_id: int, now: datetime) -> Sanction | None:
    return open_sanction(kind=SanctionKind.BAN, piece_id=piece_id, user_id=user_id, now=now)


def is_sanctioned(*, user_id: int, place: Place, now: datetime) -> bool:
    """Tell whether something holds for a user anywhere in a place."""
    return holding(now).filter(place.touching, user_id=user_id).exists()


def sanctions_of(user: User) -> Sequence[Sanction]:
    """List what was ever imposed on a user, the newest first, each with its appeal."""
    return list(
        Sanction.objects.select_related("creator", "piece", "appeal")
        .filter(user=user)
        .order_by("-pk")[:100]
    )


def moderators_of(place: Place) -> Sequence[Moderator]:
    """List who moderates in a place (in a show: those of all shows, too), each with its user."""
    return list(
        Moderator.objects.select_related("user", "added_by", "piece")
        .filter(place.covering)
        .order_by("piece_id", "pk")
    )


def rules_in(place: Place) -> tuple[Rules, bool]:
    """Read the rules of a show, or those that a creator's shows begin with.

    With them: whether they are the show's own.
    """
    rows = {row.piece_id: row for row in ChatRules.objects.filter(place.covering)}
    own = rows.get(place.piece_id) if place.piece_id is not None else None
    return rules_from(rows.get(None), own), own is not None and not own.as_default


def filters_of(creator_id: int) -> Sequence[Filter]:
    """List the filters that a creator's shows use, the oldest first."""
    return list(
        Filter.objects.select_related("made_by")
        .filter(creator_id=creator_id, removed_at__isnull=True)
        .order_by("pk")
    )


def filter_rules(creator_id: int) -> tuple[Rule, ...]:
    """Read the filters that a creator's shows use, for `filters.compile`."""
    return tuple(
        Rule(*row)
        for row in Filter.objects.filter(creator_id=creator_id, removed_at__isnull=True)
        .order_by("pk")
        .values_list("pk", "kind", "text", "effect")
    )


def newest_lines(creator_id: int, *, limit: int = DRY_RUN_LINES) -> Sequence[Message]:
    """List the last lines that others wrote in a creator's shows, the newest first."""
    return list(
        Message.objects.select_related("author", "piece")
        .filter(piece__creator_id=creator_id)
        .exclude(author__creator=creator_id)
        .order_by("-pk")[:limit]
    )


def waiting_lines(piece_id: int, *, limit: int = 50) -> Sequence[Message]:
    """List the lines that nobody but their authors and the moderators sees, the oldest first."""
    return list(
        Message.objects.select_related("author")
        .filter(
            piece_id=piece_id,
            state__in=[MessageState.HELD, MessageState.WITHHELD],
            deleted_at__isnull=True,
        )
        .order_by("pk")[:limit]
    )


def log_of(
    place: Place, *, kind: str = "", by_id: int | None = None, limit: int = 50, offset: int = 0
) -> Sequence[Action]:
    """List what was done in a place, the newest first; without a piece: in all shows and beside."""
    found = Action.objects.filter(place.touching)
    if kind:
        found = found.filter(kind=kind)
    if by_id is not None:
        found = found.filter(by_id=by_id)
    return list(
        found.select_related("by", "subject", "message", "sanction", "undone_by", "piece").order_by(
            "-pk"
        )[offset : offset + limit]
    )


def open_appeals(place: Place) -> Sequence[Appeal]:
    """List what is said against sanctions that touch a place and waits for an answer.

    The oldest first; the others come when these are answered.
    """
    sanctions = Sanction.objects.filter(place.touching)
    return list(
        Appeal.objects.select_related("sanction__user", "sanction__by", "sanction__piece")
        .filter(sanction__in=sanctions, state=AppealState.OPEN)
        .order_by("pk")[:APPEALS]
    )


def recent_authors(piece_id: int, *, limit: int = 20) -> Sequence[User]:
    """List who wrote in a show last, for choosing a moderator or somebody to mute."""
    newest = (
        Message.objects.filter(piece_id=piece_id)
        .order_by("-pk")
        .values_list("author_id", flat=True)
    )[:500]
    ids = list(dict.fromkeys(newest))[:limit]
    users = User.objects.in_bulk(ids)
    return [users[pk] for pk in ids]


def last_lines(piece_id: int, *, limit: int = 30) -> Sequence[Message]:
    """List the newest lines that were shown, the deleted ones too, the newest first."""
    return list(
        Message.objects.select_related("author", "deleted_by")
        .filter(piece_id=piece_id, state=MessageState.SHOWN)
        .order_by("-pk")[:limit]
    )
