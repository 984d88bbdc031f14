"""Keeping a creator's filters: trying one on what was said, adding it, taking it away."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from creators.chat.events import RulesChanged
from creators.chat.models import Filter, Message
from creators.chat.moderation import filters
from creators.chat.moderation.actions import ActionKind, record
from creators.chat.moderation.authority import TO_GOVERN, Place, lock, need, place_of_creator
from creators.chat.moderation.filters import Rule
from creators.chat.moderation.queries import filter_rules, newest_lines
from shops.accounts.models import User
from shops.facts.publishing import publish
from shops.facts.refused import NotFound, Refused

MOST: Final = 100


class TooManyFilters(Refused):
    code = "too_many_filters"
    message = _("100 filters are the most.")


class TooMuchToMatch(Refused):
    code = "too_much_to_match"
    message = _("Your patterns together are too large: make some of them simpler.")


@dataclass(frozen=True, slots=True)
class Hit:
    line: Message
    found: str


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a filter would have done to the newest lines; `sentence` to one that was typed."""

    tried: int
    hits: Sequence[Hit]
    sentence: str
    sentence_found: str | None


def dry_run(*, creator_id: int, rule: Rule, sentence: str = "") -> DryRun:
    """Try a filter on the last 1,000 lines of a creator's shows; nothing changes.

    :raises BadFilter: it could not work; says in words why
    """
    filters.check(rule)
    judge = filters.compile([rule])
    lines = newest_lines(creator_id)
    hits = [
        Hit(line, verdict.found)
        for line in lines
        if (verdict := judge.judge(line.body)) is not None
    ]
    said = judge.judge(sentence) if sentence else None
    return DryRun(len(lines), hits, sentence, None if said is None else said.found)


def tell(place: Place) -> None:
    """Let all processes read the filters anew."""
    publish(RulesChanged(creator_id=place.creator_id, piece_id=None, rev=0))


def put(place: Place, *, rule: Rule, by: User, now: datetime) -> Filter:
    """Write a filter down.

    :raises TooManyFilters: there are 100
    :raises TooMuchToMatch: they would take too long to judge each line by
    """
    known = filter_rules(place.creator_id)
    if len(known) >= MOST:
        raise TooManyFilters
    if filters.steps([*known, rule]) > filters.MOST_STEPS:
        raise TooMuchToMatch
    kept = Filter.objects.create(
        creator_id=place.creator_id,
        kind=rule.kind,
        text=rule.text,
        effect=rule.effect,
        made_by=by,
        at=now,
    )
    tell(place)
    return kept


@transaction.atomic
def add_filter(*, creator_id: int, rule: Rule, by: User, now: datetime, reason: str = "") -> Filter:
    """Have a creator's shows judge lines by a filter.

    :raises NotAllowed: `by` is neither the creator nor an operator
    :raises BadFilter: it could not work; says in words why
    :raises TooManyFilters: there are 100
    :raises TooMuchToMatch: they would take too long to judge each line by
    """
    place = place_of_creator(creator_id)
    lock(place)
    need(by, place, TO_GOVERN)
    filters.check(rule)
    kept = put(place, rule=rule, by=by, now=now)
    record(
        kind=ActionKind.ADD_FILTER,
        place=place,
        by=by,
        reason=reason,
        now=now,
        before={"filter": kept.pk, "text": kept.text},
    )
    return kept


@transaction.atomic
def remove_filter(*, filter_id: int, by: User, now: datetime, reason: str = "") -> None:
    """Stop judging lines by a filter; what it kept back waits on.

    :raises NotFound: there is no such filter (any more)
    :raises NotAllowed: `by` is neither the creator nor an operator
    """
    creator_id = Filter.objects.filter(pk=filter_id).values_list("creator_id", flat=True).first()
    if creator_id is None:
        raise NotFound
    place = place_of_creator(creator_id)
    lock(place)
    need(by, place, TO_GOVERN)
    kept = Filter.objects.get(pk=filter_id)
    if kept.removed_at is not None:
        raise NotFound
    kept.removed_at = now
    kept.save(update_fields=["removed_at"])
    tell(place)
    record(
        kind=ActionKind.REMOVE_FILTER,
        place=place,
        by=by,
        reason=reason,
        now=now,
        before={"filter": kept.pk, "text": kept.text},
    )
