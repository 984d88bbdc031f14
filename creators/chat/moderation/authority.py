"""Who may do what: a place (one show, or all of a creator's), and the rank that somebody has in it.

A show's moderators act in that show, a creator's moderators in all of theirs, and only there may
they sanction somebody everywhere. Only the host (and operators) name moderators, set what all shows
begin with, and keep filters and block lists. Nobody undoes what somebody above them decided.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Literal

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from creators.chat.models import Moderator
from creators.pieces.queries import piece_with_creator
from creators.profiles.models import Creator
from creators.profiles.queries import is_operator
from shops.accounts.models import User
from shops.facts.refused import Invalid, NotAllowed, NotFound

Scope = Literal["show", "creator"]


class Rank(IntEnum):
    NONE = 0
    SHOW_MODERATOR = 1
    CREATOR_MODERATOR = 2
    # The creator; operators count as much.
    HOST = 3


# The least rank for each of what can be done.
TO_MODERATE: Final = Rank.SHOW_MODERATOR
TO_JUDGE: Final = Rank.CREATOR_MODERATOR
TO_GOVERN: Final = Rank.HOST


@dataclass(frozen=True, slots=True)
class Place:
    """One show of a creator, or (without a piece) all of them."""

    creator_id: int
    host_id: int
    piece_id: int | None

    @property
    def everywhere(self) -> "Place":
        return Place(self.creator_id, self.host_id, None)

    @property
    def exactly(self) -> Q:
        """Find the rows of this very place."""
        return Q(creator_id=self.creator_id, piece_id=self.piece_id)

    @property
    def covering(self) -> Q:
        """Find the rows of what holds in this place: its own, and those of all shows."""
        return Q(creator_id=self.creator_id) & (Q(piece=None) | Q(piece_id=self.piece_id))

    @property
    def touching(self) -> Q:
        """Find the rows of what holds anywhere in this place; all of the creator's without one."""
        if self.piece_id is None:
            return Q(creator_id=self.creator_id)
        return self.covering


def place_of(piece_id: int, *, scope: str = "show") -> Place:
    """Find a show as a place, or what all shows of its creator are.

    :raises NotFound: there is no such piece
    :raises Invalid: there is no such scope
    """
    if scope not in ("show", "creator"):
        raise Invalid
    creator = piece_with_creator(piece_id).creator
    return Place(creator.pk, creator.user_id, piece_id if scope == "show" else None)


def place_of_creator(creator_id: int) -> Place:
    """Find all shows of a creator as a place.

    :raises NotFound: there is no such creator
    """
    host_id = Creator.objects.filter(pk=creator_id).values_list("user_id", flat=True).first()
    if host_id is None:
        raise NotFound
    return Place(creator_id, host_id, None)


def place_again(*, creator_id: int, piece_id: int | None) -> Place:
    """Find the place that a row of ours names."""
    return Place(creator_id, place_of_creator(creator_id).host_id, piece_id)


def rank_of(user: User, place: Place) -> Rank:
    """Tell what somebody is in a place."""
    if user.pk == place.host_id or is_operator(user):
        return Rank.HOST
    pieces = list(
        Moderator.objects.filter(place.covering, user_id=user.pk).values_list("piece_id", flat=True)
    )
    if None in pieces:
        return Rank.CREATOR_MODERATOR
    return Rank.SHOW_MODERATOR if pieces else Rank.NONE


def need(by: User, place: Place, least: Rank) -> Rank:
    """Return the rank of who acts.

    :raises NotAllowed: it is less than is needed
    """
    rank = rank_of(by, place)
    if rank < least:
        raise NotAllowed
    return rank


def need_as_much_as(by: User, decided_by: User, place: Place, least: Rank) -> None:
    """Let somebody change what another one decided or wrote.

    :raises NotAllowed: the other one stands above them
    """
    rank = need(by, place, least)
    if by.pk != decided_by.pk and rank < rank_of(decided_by, place):
        raise NotAllowed(_("This is of somebody above you: ask the host."))


def lock(place: Place) -> None:
    """Let one transaction at a time moderate for a creator; the lock ends with it."""
    Creator.objects.select_for_update(no_key=True).only("pk").get(pk=place.creator_id)


def is_moderator(user_id: int, place: Place) -> bool:
    """Tell whether somebody moderates anywhere in a place, hosts it or operates the site."""
    if (
        user_id == place.host_id
        or Moderator.objects.filter(place.touching, user_id=user_id).exists()
    ):
        return True
    user = User.objects.filter(pk=user_id).first()
    return user is not None and is_operator(user)
