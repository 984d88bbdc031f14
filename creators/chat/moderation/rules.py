"""Setting the rules of a show's chat, and those that all shows of a creator begin with."""

from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from creators.chat.events import RulesChanged
from creators.chat.models import ChatRules
from creators.chat.moderation.actions import ActionKind, record
from creators.chat.moderation.authority import TO_GOVERN, TO_MODERATE, Place, lock, need
from creators.chat.moderation.queries import rules_in
from creators.chat.standing import Rules
from shops.accounts.models import User
from shops.facts.publishing import publish
from shops.facts.refused import Invalid

SLOWEST: Final = 120
FASTEST: Final = 3
LONGEST_HOLD: Final = 5

_FIELDS: Final = ("slow_seconds", "hold_seconds", "followers_only", "as_default")


def _check(*, slow_seconds: int, hold_seconds: int) -> None:
    if slow_seconds and not FASTEST <= slow_seconds <= SLOWEST:
        raise Invalid(_("Slow mode is 3 to 120 seconds, or off."))
    if not 0 <= hold_seconds <= LONGEST_HOLD:
        raise Invalid(_("Lines wait 1 to 5 seconds, or not at all."))


def write(place: Place, wanted: dict[str, Any]) -> ChatRules | None:
    """Write a place's rules down; None when they are so already."""
    row = ChatRules.objects.filter(place.exactly).first()
    if row is None:
        row = ChatRules(creator_id=place.creator_id, piece_id=place.piece_id, rev=0)
        row.as_default = place.piece_id is not None
    if wanted == as_wanted(row):
        return None
    for name in _FIELDS:
        setattr(row, name, wanted[name])
    row.rev += 1
    row.save()
    publish(RulesChanged(creator_id=place.creator_id, piece_id=place.piece_id, rev=row.rev))
    return row


def as_wanted(row: ChatRules | None) -> dict[str, Any]:
    """Tell what `write` would make of a row, or of a show that has none."""
    if row is None:
        return {name: name == "as_default" for name in _FIELDS} | dict.fromkeys(_FIELDS[:2], 0)
    return {name: getattr(row, name) for name in _FIELDS}


@transaction.atomic
def set_rules(
    *,
    place: Place,
    by: User,
    now: datetime,
    slow_seconds: int = 0,
    hold_seconds: int = 0,
    followers_only: bool = False,
    as_default: bool = False,
    reason: str = "",
) -> Rules:
    """Set the rules of a show, or without a piece what all shows of the creator begin with.

    `as_default`: the show goes with those again, and the rest is not asked.

    :raises NotAllowed: `by` doesn't moderate the show; of all shows: is not the host
    :raises Invalid: slow mode is not 3 to 120 s, or lines wait longer than 5 s
    """
    lock(place)
    need(by, place, TO_MODERATE if place.piece_id is not None else TO_GOVERN)
    _check(slow_seconds=slow_seconds, hold_seconds=hold_seconds)
    old = as_wanted(ChatRules.objects.filter(place.exactly).first())
    if place.piece_id is None:
        as_default = old["as_default"] = False
    wanted = {
        "slow_seconds": 0 if as_default else slow_seconds,
        "hold_seconds": 0 if as_default else hold_seconds,
        "followers_only": False if as_default else followers_only,
        "as_default": as_default,
    }
    row = write(place, wanted)
    if row is not None:
        record(
            kind=ActionKind.RULES,
            place=place,
            by=by,
            reason=reason,
            now=now,
            before={"old": old, "new": wanted},
        )
    return rules_in(place)[0]
