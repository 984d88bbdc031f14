"""Muting and banning, longer and no more: never in secret, never without an end or an appeal."""

from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from creators.chat import holding as waiting
from creators.chat import limits
from creators.chat.events import AppealChanged, SanctionChanged
from creators.chat.models import Appeal, AppealState, Sanction, SanctionKind
from creators.chat.moderation.actions import ActionKind, reason_of, record
from creators.chat.moderation.authority import (
    TO_JUDGE,
    TO_MODERATE,
    Place,
    Rank,
    is_moderator,
    lock,
    need,
    need_as_much_as,
    place_again,
    place_of,
    rank_of,
)
from creators.chat.moderation.queries import holding
from shops.accounts.models import User
from shops.facts.publishing import publish
from shops.facts.refused import Invalid, NotFound, Refused

MUTE_FOR: Final = timedelta(minutes=10)
SHORTEST: Final = timedelta(seconds=60)
LONGEST: Final = timedelta(days=1)
LONGEST_BAN: Final = timedelta(days=366)


class Protected(Refused):
    code = "protected"
    message = _("Neither the host nor a moderator can be muted or banned, nor you yourself.")
    status = 403


def least_rank(place: Place) -> Rank:
    return TO_JUDGE if place.piece_id is None else TO_MODERATE


def changed(sanction: Sanction) -> None:
    publish(
        SanctionChanged(
            sanction_id=sanction.pk,
            creator_id=sanction.creator_id,
            piece_id=sanction.piece_id,
            user_id=sanction.user_id,
        )
    )


def appeal_changed(appeal: Appeal, sanction: Sanction) -> None:
    publish(
        AppealChanged(
            appeal_id=appeal.pk,
            sanction_id=sanction.pk,
            creator_id=sanction.creator_id,
            piece_id=sanction.piece_id,
        )
    )


def _check_length(kind: str, lasts: timedelta | None) -> None:
    if lasts is None:
        return
    if kind == SanctionKind.MUTE and not SHORTEST <= lasts <= LONGEST:
        raise Invalid(_("A mute lasts from a minute to a day, or the whole show."))
    if not SHORTEST <= lasts <= LONGEST_BAN:
        raise Invalid(_("A ban lasts from a minute to a year, or for good."))


def create(
    *,
    kind: str,
    place: Place,
    user_id: int,
    by: User,
    until: datetime | None,
    reason: str,
    now: datetime,
) -> Sanction:
    """Write down a sanction where none of its kind is open."""
    sanction = Sanction.objects.create(
        kind=kind,
        creator_id=place.creator_id,
        piece_id=place.piece_id,
        user_id=user_id,
        by=by,
        reason=reason_of(reason),
        at=now,
        until=until,
    )
    # What waits of them would be shown in spite of it.
    waiting.reject_waiting_of(
        user_ids=[user_id], creator_id=place.creator_id, piece_id=place.piece_id
    )
    changed(sanction)
    return sanction


@transaction.atomic
def impose(
    *,
    kind: str,
    place: Place,
    user_id: int,
    by: User,
    now: datetime,
    lasts: timedelta | None,
    reason: str = "",
) -> Sanction:
    """Mute or ban somebody in a place; without `lasts` for the whole show, or for good.

    Who is sanctioned in the same way there already is so until the later of both times.

    :raises NotAllowed: `by` may not do so in this place
    :raises Protected: oneself, the host, a moderator or an operator
    :raises Invalid: a mute that lasts less than a minute or more than a day, too long a reason
    :raises NotFound: there is no such user
    """
    before: dict[str, Any]
    lock(place)
    # What they are just writing is either there, and rejected if it waits, or sees the sanction.
    limits.serialise(author_ids=[user_id])
    rank = need(by, place, least_rank(place))
    _check_length(kind, lasts)
    if user_id == by.pk or is_moderator(user_id, place):
        raise Protected
    if not User.objects.filter(pk=user_id).exists():
        raise NotFound
    until = None if lasts is None else now + lasts
    known = holding(now).filter(place.exactly, kind=kind, user_id=user_id).first()
    if known is None:
        sanction = create(
            kind=kind, place=place, user_id=user_id, by=by, until=until, reason=reason, now=now
        )
        done, before = ActionKind(kind), {}
    else:
        sanction = known
        if known.until is None or (until is not None and until <= known.until):
            return known
        before = {
            "until": known.until.isoformat(),
            "reason": known.reason,
            "by": known.by_id,
        }
        known.until, known.reason = until, reason_of(reason) or known.reason
        if rank >= rank_of(known.by, place):
            # Theirs now: nobody below them lifts it.
            known.by = by
        known.rev += 1
        known.save(update_fields=["until", "reason", "by", "rev"])
        changed(known)
        done = ActionKind.EXTEND
    before |= {"to": None if until is None else until.isoformat()}
    record(
        kind=done,
        place=place,
        by=by,
        subject_id=user_id,
        sanction_id=sanction.pk,
        reason=reason,
        now=now,
        before=before,
    )
    return sanction


def mute(
    *,
    piece_id: int,
    user_id: int,
    by: User,
    now: datetime,
    lasts: timedelta | None = MUTE_FOR,
    scope: str = "show",
    reason: str = "",
) -> Sanction:
    """Stop a user from writing in a show, or in all of its creator's; as `impose`."""
    return impose(
        kind=SanctionKind.MUTE,
        place=place_of(piece_id, scope=scope),
        user_id=user_id,
        by=by,
        lasts=lasts,
        reason=reason,
        now=now,
    )


def ban(
    *,
    piece_id: int,
    user_id: int,
    by: User,
    now: datetime,
    lasts: timedelta | None = None,
    scope: str = "show",
    reason: str = "",
) -> Sanction:
    """Keep a user out of a show, or of all of its creator's; what they buy goes on as before."""
    return impose(
        kind=SanctionKind.BAN,
        place=place_of(piece_id, scope=scope),
        user_id=user_id,
        by=by,
        lasts=lasts,
        reason=reason,
        now=now,
    )


def end(sanction: Sanction, *, by: User, now: datetime, answer: str = "") -> bool:
    """Lift a sanction, and grant what was said against it; True when that was still open."""
    sanction.lifted_at, sanction.lifted_by = now, by
    sanction.rev += 1
    sanction.save(update_fields=["lifted_at", "lifted_by", "rev"])
    appeal = Appeal.objects.filter(sanction=sanction, state=AppealState.OPEN).first()
    if appeal is not None:
        appeal.state, appeal.answer = AppealState.GRANTED, answer
        appeal.answered_at, appeal.answered_by = now, by
        appeal.rev += 1
        appeal.save()
        appeal_changed(appeal, sanction)
    changed(sanction)
    return appeal is not None


def reopen(sanction: Sanction, *, appeal_too: bool) -> None:
    """Have a lifted sanction hold again, and what was said against it wait for another answer."""
    sanction.lifted_at = sanction.lifted_by = None
    sanction.rev += 1
    sanction.save(update_fields=["lifted_at", "lifted_by", "rev"])
    if appeal_too:
        reopen_appeal(sanction)
    changed(sanction)


def reopen_appeal(sanction: Sanction) -> None:
    appeal = Appeal.objects.filter(sanction=sanction).first()
    if appeal is None:
        return
    appeal.state, appeal.answer = AppealState.OPEN, ""
    appeal.answered_at = appeal.answered_by = None
    appeal.rev += 1
    appeal.save()
    appeal_changed(appeal, sanction)


def found(sanction_id: int) -> tuple[Sanction, Place]:
    """Find a sanction with its place, and keep others from changing it.

    :raises NotFound: there is none
    """
    where = Sanction.objects.filter(pk=sanction_id).values_list("creator_id", "piece_id").first()
    if where is None:
        raise NotFound
    place = place_again(creator_id=where[0], piece_id=where[1])
    lock(place)
    return Sanction.objects.select_related("user", "by").get(pk=sanction_id), place


@transaction.atomic
def lift(*, sanction_id: int, by: User, now: datetime, reason: str = "") -> Sanction:
    """End a sanction before its time; nothing changes for one that has ended.

    :raises NotAllowed: `by` may not, or somebody above them imposed it
    :raises NotFound: there is none
    """
    sanction, place = found(sanction_id)
    need_as_much_as(by, sanction.by, place, least_rank(place))
    if not sanction.holds_at(now):
        return sanction
    had_appeal = end(sanction, by=by, now=now)
    record(
        kind=ActionKind.LIFT,
        place=place,
        by=by,
        subject_id=sanction.user_id,
        sanction_id=sanction.pk,
        reason=reason,
        now=now,
        before={"lifted_at": now.isoformat(), "appeal": had_appeal},
    )
    return sanction


@transaction.atomic
def release(
    *, kind: str, piece_id: int, user_id: int, by: User, now: datetime, reason: str = ""
) -> int:
    """Lift all of a kind that holds for a user in a show; tell how many.

    :raises NotAllowed: `by` may not lift one of them
    """
    place = place_of(piece_id)
    lock(place)
    need(by, place, TO_MODERATE)
    open_ones = list(
        holding(now).filter(place.covering, kind=kind, user_id=user_id).values_list("pk", flat=True)
    )
    for pk in open_ones:
        lift(sanction_id=pk, by=by, now=now, reason=reason)
    return len(open_ones)


def unmute(*, piece_id: int, user_id: int, by: User, now: datetime, reason: str = "") -> None:
    """Let a muted user write again in a show; as `release`."""
    release(
        kind=SanctionKind.MUTE, piece_id=piece_id, user_id=user_id, by=by, now=now, reason=reason
    )


def unban(*, piece_id: int, user_id: int, by: User, now: datetime, reason: str = "") -> None:
    """Let a banned user come back to a show; as `release`."""
    release(
        kind=SanctionKind.BAN, piece_id=piece_id, user_id=user_id, by=by, now=now, reason=reason
    )
