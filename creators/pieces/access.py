"""Who may see a piece: everybody, or only its creator, who moderates it and who was invited.

A show's state and its moderators belong to higher floors; they are asked through the relations, by
value, so that the rooms below the live shows can judge whoever comes to their doors, too. An invite
is signed with the piece's id; whoever opened one keeps it in the browser's session.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Final

from django.core.signing import Signer
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from creators.pieces.models import Piece
from shops.facts.refused import NotFound

_KEPT: Final = "invites"
_MOST_KEPT: Final = 50
_NONE: Final[frozenset[int]] = frozenset()


@dataclass(frozen=True)
class Door:
    """What is asked of who wants to see a piece; a closed one opens for nobody any more."""

    host_id: int
    is_private: bool
    is_closed: bool
    # Of a private piece; at other doors nobody asks who somebody is.
    moderators: frozenset[int] = _NONE

    def lets_in(self, *, user: Any, invited: bool) -> bool:
        return self.admits(user_id=user.pk, invited=invited)

    def admits(self, *, user_id: int | None, invited: bool) -> bool:
        """As `lets_in`, for who is known by id only."""
        if self.is_closed:
            return False
        return (
            not self.is_private or invited or user_id == self.host_id or user_id in self.moderators
        )


def door_of(piece_id: int) -> Door | None:
    """Find what is asked of who wants to see a piece; None when there is no such piece.

    A rehearsal is private, and closed once it is over: nothing of it is left.
    """
    return doors_of([piece_id]).get(piece_id)


def doors_of(piece_ids: Collection[int]) -> dict[int, Door]:
    """Find what is asked of who wants to see each of these pieces."""
    rows = list(
        Piece.objects.filter(pk__in=piece_ids).values_list(
            "pk",
            "creator__user_id",
            "live_session__visibility",
            "live_session__rehearsal_of",
            "live_session__state",
        )
    )
    # A rehearsal is its host's, until they invite somebody.
    private = [pk for pk, _host, seen, of, _state in rows if seen == "private" and of is None]
    moderators = _moderators_of(private) if private else {}
    return {
        pk: Door(
            host_id=host_id,
            is_private=visibility == "private" or rehearsal_of is not None,
            is_closed=rehearsal_of is not None and state in ("ended", "cancelled"),
            moderators=frozenset(moderators.get(pk, _NONE)),
        )
        for pk, host_id, visibility, rehearsal_of, state in rows
    }


def _moderators_of(piece_ids: Collection[int]) -> Mapping[int, set[int]]:
    """Find who moderates each of these pieces, in this one or in all of their creator's."""
    pieces = Piece.objects.filter(pk__in=piece_ids)
    found: defaultdict[int, set[int]] = defaultdict(set)
    here = pieces.filter(moderators__user__isnull=False)
    everywhere = pieces.filter(
        creator__moderators__user__isnull=False, creator__moderators__piece__isnull=True
    )
    for pk, user_id in (
        *here.values_list("pk", "moderators__user"),
        *everywhere.values_list("pk", "creator__moderators__user"),
    ):
        found[pk].add(user_id)
    return found


def check(request: HttpRequest, piece_id: int) -> None:
    """Let a request go on to a piece.

    :raises NotFound: there is none, or it is not for who asks
    """
    found = door_of(piece_id)
    invited = is_invited(request.session, piece_id)
    if found is None or not found.lets_in(user=request.user, invited=invited):
        raise NotFound


def _signature(piece_id: int) -> str:
    return Signer(salt="creators.pieces.invite").signature(str(piece_id))


def invite_for(piece_id: int) -> str:
    """Return what an invite link to a piece carries."""
    return _signature(piece_id)


def remember_invite(session: MutableMapping[str, Any], piece_id: int, invite: str) -> bool:
    """Keep a valid invite in the browser's session; False when it is not one for this piece."""
    if not constant_time_compare(invite, _signature(piece_id)):
        return False
    kept = session.get(_KEPT, [])
    if piece_id not in kept:
        session[_KEPT] = [*kept, piece_id][-_MOST_KEPT:]
    return True


def is_invited(session: Mapping[str, Any], piece_id: int) -> bool:
    return piece_id in session.get(_KEPT, ())


def invites_in(session: Mapping[str, Any]) -> frozenset[int]:
    """List the pieces that a browser was invited to."""
    return frozenset(session[_KEPT]) if session.get(_KEPT) else _NONE
