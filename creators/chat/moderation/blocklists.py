"""Block lists: a creator's bans and filters as a file that others can take in; docs/block-lists.md.

Users are named by their public number, which means something only on the site that the file names;
the name that they had then stands beside it for people to read. No e-mail address is in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _
from msgspec import Meta, Struct

from creators.chat import holding as waiting
from creators.chat.events import RulesChanged
from creators.chat.models import (
    Action,
    Appeal,
    AppealState,
    Filter,
    Moderator,
    Sanction,
    SanctionKind,
)
from creators.chat.moderation import filters, sanctions, screening
from creators.chat.moderation.actions import ActionKind, reason_of, record
from creators.chat.moderation.authority import TO_GOVERN, Place, lock, need, place_of_creator
from creators.chat.moderation.filters import BadFilter, Rule
from creators.chat.moderation.queries import filters_of, holding
from creators.profiles.models import Creator
from creators.profiles.queries import operators_among
from shops.accounts.models import User
from shops.facts.publishing import publish
from shops.facts.refused import Invalid

MOST_BYTES: Final = 1_000_000
MOST_ENTRIES: Final = 5_000


class BadList(Invalid):
    code = "bad_list"
    message = _("This file is not a block list.")


class _Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of what a file is made of."""


class Ban(_Part, frozen=True):
    user: Annotated[int, Meta(ge=1, le=2**63 - 1)]
    name: Annotated[str, Meta(max_length=80)]
    reason: Annotated[str, Meta(max_length=200)] = ""
    until: Annotated[datetime, Meta(tz=True)] | None = None


class ListedFilter(_Part, frozen=True):
    kind: Literal["words", "pattern"]
    text: Annotated[str, Meta(min_length=1, max_length=500)]
    effect: Literal["withhold", "refuse"]


class BlockList(_Part, frozen=True):
    format: Literal["liveshop-block-list"]
    version: Literal[1]
    site: Annotated[str, Meta(max_length=200)]
    creator: Annotated[str, Meta(max_length=40)]
    exported_at: datetime
    bans: list[Ban]
    filters: list[ListedFilter] = []


def _site() -> str:
    return settings.SITE_URL.rstrip("/")


# --- Giving -----------------------------------------------------------------------------------


def export(*, creator: Creator, by: User, now: datetime, with_filters: bool = True) -> bytes:
    """Write who is banned from all shows of a creator, and their filters.

    Of very many bans the newest: no more than can be taken in, with the filters.

    :raises NotAllowed: `by` is neither the creator nor an operator
    """
    need(by, place_of_creator(creator.pk), TO_GOVERN)
    bans = (
        holding(now)
        .select_related("user")
        .filter(creator=creator, piece=None, kind=SanctionKind.BAN)
        .order_by("-pk")[: MOST_ENTRIES - screening.MOST]
    )
    listed = BlockList(
        format="liveshop-block-list",
        version=1,
        site=_site(),
        creator=creator.handle,
        exported_at=now.astimezone(UTC),
        bans=[
            Ban(
                user=ban.user_id,
                name=ban.user.display_name,
                reason=ban.reason,
                until=None if ban.until is None else ban.until.astimezone(UTC),
            )
            for ban in reversed(bans)
        ],
        filters=[
            msgspec.convert(
                {"kind": one.kind, "text": one.text, "effect": one.effect}, ListedFilter
            )
            for one in (filters_of(creator.pk) if with_filters else ())
        ],
    )
    return msgspec.json.format(msgspec.json.encode(listed), indent=2) + b"\n"


# --- Taking -----------------------------------------------------------------------------------


def parse(content: bytes) -> BlockList:
    """Read a file.

    :raises BadList: too large, too long, not of this shape, or with a filter that can't work
    """
    if len(content) > MOST_BYTES:
        raise BadList(_("The file is too large: 1 MB is the most."))
    try:
        listed = msgspec.json.decode(content, type=BlockList)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadList(_("This file is not a block list: %(why)s") % {"why": error}) from error
    if len(listed.bans) + len(listed.filters) > MOST_ENTRIES:
        raise BadList(_("The list is too long: 5,000 entries are the most."))
    for one in listed.filters:
        try:
            filters.check(Rule(0, one.kind, one.text, one.effect))
        except BadFilter as error:
            raise BadList(
                _("The filter “%(text)s” can't be used: %(why)s")
                % {"text": one.text[:80], "why": error}
            ) from error
    return listed


@dataclass(frozen=True, slots=True)
class Preview:
    """What taking a list in would do; nothing has changed yet."""

    listed: BlockList
    is_of_this_site: bool
    # Those who would be banned, with the names that they have now.
    new: Sequence[tuple[Ban, User]]
    # How many are banned already, are protected (host, moderators, operators), are not known
    # here, and whose ban has ended.
    banned: int
    protected: int
    unknown: int
    ended: int
    new_filters: Sequence[ListedFilter]
    known_filters: int

    @property
    def changes_anything(self) -> bool:
        return bool(self.new or self.new_filters)


def preview(*, creator_id: int, listed: BlockList, now: datetime) -> Preview:
    """Tell what taking a list in would do."""
    place = place_of_creator(creator_id)
    is_ours = listed.site.rstrip("/") == _site()
    wanted = {ban.user: ban for ban in listed.bans} if is_ours else {}
    current = {pk: ban for pk, ban in wanted.items() if ban.until is None or ban.until > now}
    users = User.objects.in_bulk(list(current))
    banned = set(
        holding(now)
        .filter(place.exactly, kind=SanctionKind.BAN, user_id__in=users)
        .values_list("user_id", flat=True)
    )
    protected = (
        {place.host_id}
        | operators_among(list(users))
        | set(Moderator.objects.filter(place.touching).values_list("user_id", flat=True))
    )
    known = {(one.kind, one.text) for one in filters_of(creator_id)}
    new_filters = list(
        {
            (one.kind, one.text): one for one in listed.filters if (one.kind, one.text) not in known
        }.values()
    )
    return Preview(
        listed=listed,
        is_of_this_site=is_ours,
        new=[
            (ban, users[pk])
            for pk, ban in current.items()
            if pk in users and pk not in banned and pk not in protected
        ],
        banned=len(banned - protected),
        protected=len(protected & users.keys()),
        unknown=len(listed.bans) if not is_ours else len(current) - len(users),
        ended=len(wanted) - len(current),
        new_filters=new_filters,
        known_filters=len(listed.filters) - len(new_filters),
    )


@transaction.atomic
def take_in(
    *, creator_id: int, listed: BlockList, by: User, now: datetime, reason: str = ""
) -> Action | None:
    """Ban those whom a list names from all shows of a creator, and add its filters.

    None when nothing would change.

    :raises NotAllowed: `by` is neither the creator nor an operator
    :raises TooManyFilters: there would be more than 100
    """
    place = place_of_creator(creator_id)
    lock(place)
    need(by, place, TO_GOVERN)
    wanted = preview(creator_id=creator_id, listed=listed, now=now)
    if not wanted.changes_anything:
        return None
    made = Sanction.objects.bulk_create(
        [
            Sanction(
                kind=SanctionKind.BAN,
                creator_id=creator_id,
                user=user,
                by=by,
                reason=reason_of(ban.reason),
                at=now,
                until=ban.until,
            )
            for ban, user in wanted.new
        ]
    )
    # What waits of them would be shown in spite of it.
    waiting.reject_waiting_of(
        user_ids=[user.pk for _ban, user in wanted.new], creator_id=creator_id
    )
    kept = [
        screening.put(place, rule=Rule(0, one.kind, one.text, one.effect), by=by, now=now).pk
        for one in wanted.new_filters
    ]
    _tell(place)
    return record(
        kind=ActionKind.IMPORT,
        place=place,
        by=by,
        reason=reason,
        now=now,
        before={
            "from": listed.creator,
            "sanctions": [sanction.pk for sanction in made],
            "filters": kept,
        },
    )


def _tell(place: Place) -> None:
    """Have everybody's standing judged anew, all at once instead of a fact for each ban."""
    publish(RulesChanged(creator_id=place.creator_id, piece_id=None, rev=0))


def take_back(place: Place, *, before: dict[str, Any], by: User, now: datetime) -> None:
    """Undo `take_in`: lift its bans that hold, remove its filters that are used."""
    mine = Sanction.objects.filter(pk__in=before["sanctions"], lifted_at=None)
    appealed = Appeal.objects.filter(sanction__in=mine, state=AppealState.OPEN)
    for sanction in mine.filter(pk__in=appealed.values("sanction_id")):
        sanctions.end(sanction, by=by, now=now)
    mine.update(lifted_at=now, lifted_by=by, rev=F("rev") + 1)
    Filter.objects.filter(pk__in=before["filters"], removed_at=None).update(removed_at=now)
    _tell(place)
