"""Reads of pieces that rooms of every floor above need: whose it is, whether it is on air."""

from datetime import datetime

from django.db.models import Q

from creators.pieces.models import Piece
from shops.facts.refused import NotFound


def piece_with_creator(piece_id: int) -> Piece:
    """Find a piece together with its creator.

    :raises NotFound: there is none
    """
    piece = Piece.objects.select_related("creator").filter(pk=piece_id).first()
    if piece is None:
        raise NotFound
    return piece


def is_on_air(piece_id: int, *, since: datetime | None = None) -> bool:
    """Tell whether a piece can be watched and talked in now: a video, or a show while it is live.

    A show that ended after `since` counts as live, too; a rehearsal does not, since what came of it
    is being erased then.

    The show's state belongs to a higher floor; it is asked through the relation, by value, so that
    the chat need not import the room of the live shows.
    """
    on_air = Q(kind=Piece.Kind.VIDEO) | Q(live_session__state="live")
    if since is not None:
        on_air |= Q(
            live_session__state="ended",
            live_session__ended_at__gt=since,
            live_session__rehearsal_of__isnull=True,
        )
    return Piece.objects.filter(pk=piece_id).filter(on_air).exists()
