"""Where everybody stands in a show's chat: host, moderators, who may not write or be there, rules.

Read in a handful of queries however many shows are asked for.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, NamedTuple

from django.db.models import Count, F, Max, Min, Q, QuerySet, Sum

from creators.chat.models import (
    ChatRules,
    Filter,
    Moderator,
    Sanction,
    SanctionKind,
)
from creators.chat.moderation import filters
from creators.pieces.models import Piece
from shops.facts.refused import NotFound

_MOST_KEPT: Final = 2_000

RoleName = Literal["guest", "viewer", "moderator", "host"]


@dataclass(frozen=True, slots=True)
class Rules:
    """As the show's own say, or else the creator's; 0 seconds: off. `rev` only grows."""

    slow_seconds: int = 0
    hold_seconds: int = 0
    followers_only: bool = False
    rev: int = 0


@dataclass(frozen=True, slots=True)
class Restriction:
    """A sanction that holds; `piece_id` None: in all shows of the creator, `until` None: no end."""

    id: int
    rev: int
    kind: str
    piece_id: int | None
    creator_id: int
    user_id: int
    name: str
    reason: str
    at: datetime
    until: datetime | None
    # The state of the appeal against it, "" for none.
    appeal: str

    def holds(self, now: datetime) -> bool:
        return self.until is None or self.until > now


@dataclass(frozen=True, slots=True)
class Standing:
    piece_id: int
    creator_id: int
    creator_name: str
    creator_handle: str
    host_id: int
    moderators: frozenset[int]
    mutes: Mapping[int, Restriction]
    bans: Mapping[int, Restriction]
    rules: Rules
    judge: filters.Judge
    # As `Piece.kind`, and the show's state ("" for what is no show).
    kind: str
    state: str
    ended_at: datetime | None
    is_rehearsal: bool

    def as_of(
        self,
        state: str,
        ended_at: datetime | None,
        is_rehearsal: bool,
        *,
        restrictions: Iterable[Restriction],
    ) -> "Standing":
        """Return it with what was read later: the show's state, and who may not write."""
        return replace(
            self,
            state=state,
            ended_at=ended_at,
            is_rehearsal=is_rehearsal,
            mutes=_longest(restrictions, SanctionKind.MUTE, self.creator_id, self.piece_id),
            bans=_longest(restrictions, SanctionKind.BAN, self.creator_id, self.piece_id),
        )

    def takes_lines(self, *, now: datetime, grace: timedelta = timedelta()) -> bool:
        """Tell whether one may write: a video's chat always, a show's while it is live.

        Or was within the grace; a rehearsal that is over was erased.
        """
        if self.kind == Piece.Kind.VIDEO or self.state == "live":
            return True
        return (
            self.state == "ended"
            and not self.is_rehearsal
            and self.ended_at is not None
            and self.ended_at > now - grace
        )

    def moderates(self, user_id: int | None, *, is_operator: bool = False) -> bool:
        """Tell whether somebody keeps this chat: its host, a moderator, an operator."""
        return user_id is not None and (
            is_operator or user_id == self.host_id or user_id in self.moderators
        )

    def role_of(self, user_id: int | None, *, is_operator: bool = False) -> RoleName:
        if user_id is None:
            return "guest"
        if user_id == self.host_id:
            return "host"
        return "moderator" if self.moderates(user_id, is_operator=is_operator) else "viewer"

    def mute_of(self, user_id: int | None, *, now: datetime) -> Restriction | None:
        return _holding(self.mutes, user_id, now)

    def ban_of(self, user_id: int | None, *, now: datetime) -> Restriction | None:
        return _holding(self.bans, user_id, now)


def _holding(
    found: Mapping[int, Restriction], user_id: int | None, now: datetime
) -> Restriction | None:
    one = None if user_id is None else found.get(user_id)
    return one if one is not None and one.holds(now) else None


def read_standing(
    piece_id: int, *, now: datetime | None = None, of: Collection[int] | None = None
) -> Standing:
    """Read where everybody stands in one piece's chat, or (`of`) some users.

    :raises NotFound: there is no such piece
    """
    found = read_standings([piece_id], now=now or datetime.now(UTC), of=of)
    if piece_id not in found:
        raise NotFound
    return found[piece_id]


def read_keeping(piece_id: int) -> Standing:
    """Read how one piece's chat is kept and by whom, without any sanctions.

    :raises NotFound: there is no such piece
    """
    return read_standing(piece_id, of=())


def read_standings(
    piece_ids: Collection[int], *, now: datetime, of: Collection[int] | None = None
) -> dict[int, Standing]:
    """Read the standing of each piece that there is; `of` limits whose sanctions are read."""
    pieces = list(
        Piece.objects.filter(pk__in=piece_ids).values_list(
            "pk",
            "kind",
            "creator_id",
            "creator__name",
            "creator__handle",
            "creator__user_id",
            "live_session__state",
            "live_session__ended_at",
            "live_session__rehearsal_of",
        )
    )
    ids = [row[0] for row in pieces]
    creators = {row[2] for row in pieces}
    here = Q(creator__in=creators) & (Q(piece__isnull=True) | Q(piece__in=ids))
    moderators = list(Moderator.objects.filter(here).values_list("creator", "piece", "user"))
    held = _held({row[0]: row[2] for row in pieces}, here, now=now, of=of)
    rules = {
        (row.creator_id, row.piece_id): row for row in ChatRules.objects.filter(here).order_by("pk")
    }
    words: dict[int, list[filters.Rule]] = {}
    for creator_id, pk, filter_kind, text, effect in (
        Filter.objects.filter(creator__in=creators, removed_at__isnull=True)
        .order_by("pk")
        .values_list("creator", "pk", "kind", "text", "effect")
    ):
        words.setdefault(creator_id, []).append(filters.Rule(pk, filter_kind, text, effect))
    return {
        pk: Standing(
            piece_id=pk,
            creator_id=creator_id,
            creator_name=name,
            creator_handle=handle,
            host_id=host_id,
            moderators=frozenset(
                user
                for creator, piece, user in moderators
                if creator == creator_id and piece in (None, pk)
            ),
            mutes=held[pk].mutes,
            bans=held[pk].bans,
            rules=rules_from(rules.get((creator_id, None)), rules.get((creator_id, pk))),
            judge=filters.compile(words.get(creator_id, [])),
            kind=kind,
            state=state or "",
            ended_at=ended_at,
            is_rehearsal=rehearsal_of is not None,
        )
        for (
            pk,
            kind,
            creator_id,
            name,
            handle,
            host_id,
            state,
            ended_at,
            rehearsal_of,
        ) in pieces
    }


class _Held(NamedTuple):
    """Who is held back in one show; `said` is what the database said of all of them together."""

    said: tuple[Any, ...]
    mutes: Mapping[int, Restriction]
    bans: Mapping[int, Restriction]


# Of each show that everybody's standing was read of lately.
_kept: dict[int, _Held] = {}


def _held(
    creators: Mapping[int, int], here: Q, *, now: datetime, of: Collection[int] | None
) -> dict[int, _Held]:
    """Read who is held back in each piece (with its creator).

    A creator may have banned thousands, who are read all the time and hardly ever change: where
    the database says that they are the same as before, the same mappings are returned.
    """
    open_ones = Sanction.objects.filter(
        here, Q(until__isnull=True) | Q(until__gt=now), lifted_at__isnull=True
    )
    if of is not None:
        found = _restrictions(open_ones.filter(user__in=of))
        return {pk: _held_in(pk, creator, found, ()) for pk, creator in creators.items()}
    sums = {
        (creator, piece): tuple(rest)
        for creator, piece, *rest in open_ones.values_list("creator", "piece").annotate(
            Count("pk"),
            Sum("pk"),
            Sum("rev"),
            Min("until"),
            Max("until"),
            mixed=Sum(F("pk") * F("rev")),
        )
    }
    said = {
        pk: (creator, sums.get((creator, None)), sums.get((creator, pk)))
        for pk, creator in creators.items()
    }
    known = {pk: kept for pk in creators if (kept := _kept.get(pk)) and kept.said == said[pk]}
    changed = {pk: creator for pk, creator in creators.items() if pk not in known}
    if changed:
        found = _restrictions(
            open_ones.filter(
                Q(piece__isnull=True) | Q(piece__in=changed), creator__in=set(changed.values())
            )
        )
        if len(_kept) >= _MOST_KEPT:
            _kept.clear()
        for pk, creator in changed.items():
            # If they changed since they were summed up, the next reading sees another sum.
            known[pk] = _kept[pk] = _held_in(pk, creator, found, said[pk])
    return known


def _held_in(
    piece_id: int, creator_id: int, found: Iterable[Restriction], said: tuple[Any, ...]
) -> _Held:
    return _Held(
        said,
        mutes=_longest(found, SanctionKind.MUTE, creator_id, piece_id),
        bans=_longest(found, SanctionKind.BAN, creator_id, piece_id),
    )


def _restrictions(rows: "QuerySet[Sanction]") -> list[Restriction]:
    return [
        Restriction(*row[:-1], appeal=row[-1] or "")
        for row in rows.order_by("pk").values_list(
            "pk",
            "rev",
            "kind",
            "piece",
            "creator",
            "user",
            "user__display_name",
            "reason",
            "at",
            "until",
            "appeal__state",
        )
    ]


def _longest(
    restrictions: Iterable[Restriction], kind: str, creator_id: int, piece_id: int
) -> dict[int, Restriction]:
    """Keep for each user the one that lasts longest."""
    found: dict[int, Restriction] = {}
    for one in restrictions:
        if one.kind != kind or one.creator_id != creator_id or one.piece_id not in (None, piece_id):
            continue
        known = found.get(one.user_id)
        if known is None or _length(one) > _length(known):
            found[one.user_id] = one
    return found


def _length(one: Restriction) -> tuple[bool, bool, float]:
    is_endless = one.until is None
    return is_endless, one.piece_id is None, 0.0 if one.until is None else one.until.timestamp()


def rules_from(creators: ChatRules | None, own: ChatRules | None) -> Rules:
    """Take the show's own rules, if it has any; both revs count, so that the sum only grows."""
    holding = creators if own is None or own.as_default else own
    rev = (creators.rev if creators else 0) + (own.rev if own else 0)
    if holding is None:
        return Rules(rev=rev)
    return Rules(
        slow_seconds=holding.slow_seconds,
        hold_seconds=holding.hold_seconds,
        followers_only=holding.followers_only,
        rev=rev,
    )


def read_rules(*, piece_id: int, creator_id: int) -> Rules:
    """Read how a show's chat is kept."""
    rows = ChatRules.objects.filter(
        Q(piece__isnull=True) | Q(piece=piece_id), creator=creator_id
    ).order_by("pk")
    found = {row.piece_id: row for row in rows}
    return rules_from(found.get(None), found.get(piece_id))
