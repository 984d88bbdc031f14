"""Who may see a piece: everybody, or only its creator and who came by an invite link.

A show's state belongs to a higher floor; it is asked through the relation, by value, so that the
rooms below the live shows can judge whoever comes to their doors, too. An invite is signed with the
piece's id; whoever opened one keeps it in the browser's session.
"""

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

    def lets_in(self, *, user: Any, invited: bool) -> bool:
        return self.admits(user_id=user.pk, invited=invited)

    def admits(self, *, user_id: int | None, invited: bool) -> bool:
        """As `lets_in`, for who is known by id only."""
        if self.is_closed:
            return False
        return not self.is_private or invited or user_id == self.host_id


def door_of(piece_id: int) -> Door | None:
    """Find what is asked of who wants to see a piece; None when there is no such piece.

    A rehearsal is private, and closed once it is over: nothing of it is left.
    """
    return doors_of([piece_id]).get(piece_id)


def doors_of(piece_ids: Collection[int]) -> dict[int, Door]:
    """Find what is asked of who wants to see each of these pieces."""
    rows = Piece.objects.filter(pk__in=piece_ids).values_list(
        "pk",
        "creator__user_id",
        "live_session__visibility",
        "live_session__rehearsal_of",
        "live_session__state",
    )
    return {
        pk: door(
            host_id=host_id,
            is_private=visibility == "private",
            is_rehearsal=rehearsal_of is not None,
            is_over=state in ("ended", "cancelled"),
        )
        for pk, host_id, visibility, rehearsal_of, state in rows
    }


def door(*, host_id: int, is_private: bool, is_rehearsal: bool, is_over: bool) -> Door:
    return Door(
        host_id=host_id,
        is_private=is_private or is_rehearsal,
        is_closed=is_rehearsal and is_over,
    )


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
