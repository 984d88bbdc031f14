"""Rehearsals: the same console and the same tools, and nothing of it stays.

A rehearsal is a private show of its own. Nobody is told of it, it stands in no list and counts in
no score. When it ends, its orders are cancelled or given back, and its figures, chat, pins and
recording are erased. Its row stays, closed to everybody, since the orders that were given back name
it.
"""

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _
from procrastinate.contrib.django import app as jobs

from creators.audience import services as audience
from creators.chat import services as chat
from creators.live.events import RehearsalStarted
from creators.live.models import LiveSession, Pin, ShowEvent, ShowState
from creators.live.services.bag import in_bag
from creators.live.services.row import hosted
from creators.live.services.shows import WrongState, in_turn, only_live, put_on_air
from creators.media import services as media
from creators.pieces import referral
from creators.pieces.models import Piece, PieceProduct
from shops.accounts.models import User
from shops.checkout import services as checkout
from shops.facts.publishing import publish

# The job of tasks.py; by its name, because that one stands on this module.
VOID: Final = "live.void_rehearsal"
# A quote that was open at the end may still be ordered, and a payment be known late.
VOIDED_FOR: Final = timedelta(days=2)


@transaction.atomic
def rehearse(*, piece_id: int, by: User, now: datetime) -> LiveSession:
    """Begin a rehearsal of a show that has not begun; while one goes on, that one is returned.

    :raises NotHost: it is somebody else's show
    :raises WrongState: it has begun, was cancelled, or is a rehearsal itself
    :raises AlreadyLive: the creator is live in another show
    """
    session = hosted(piece_id=piece_id, by=by)
    if session.is_rehearsal or not session.is_scheduled:
        raise WrongState
    in_turn(session.piece.creator_id)
    going_on = LiveSession.objects.filter(rehearsal_of=session, state=ShowState.LIVE).first()
    if going_on is not None:
        return going_on
    if only_live(session) is not None:
        # It began while this waited for its turn.
        raise WrongState
    creator = session.piece.creator
    piece = Piece.objects.create(
        kind=Piece.Kind.LIVE,
        creator=creator,
        category_id=session.piece.category_id,
        title=session.piece.title,
        language=session.piece.language,
        created_at=now,
    )
    rehearsal = LiveSession.objects.create(
        piece=piece,
        scheduled_at=now,
        planned_minutes=session.planned_minutes,
        visibility=LiveSession.Visibility.PRIVATE,
        rehearsal_of=session,
        poster_path=session.poster_path,
        cover=session.cover.name,
        stream=media.open_stream(creator=creator, is_private=True, now=now),
    )
    ShowEvent.objects.create(session=rehearsal, to_state=ShowState.SCHEDULED, at=now)
    PieceProduct.objects.bulk_create(
        PieceProduct(
            piece=piece, product_id=shown.product_id, position=shown.position, added_at=now
        )
        for shown in in_bag(piece_id)
    )
    rev = put_on_air(rehearsal, now=now)
    publish(RehearsalStarted(piece_id=piece.pk, creator_id=creator.pk, rev=rev))
    return rehearsal


@transaction.atomic
def erase_rehearsal(*, piece_id: int) -> None:
    """Delete a rehearsal's figures, chat and pins, and queue that its orders are undone."""
    audience.erase(piece_id=piece_id)
    chat.erase(piece_id=piece_id)
    Pin.objects.filter(session_id=piece_id).delete()
    jobs.configure_task(VOID, allow_unknown=False).defer(piece_id=piece_id)


def void_rehearsal(*, piece_id: int, now: datetime) -> int:
    """Cancel or give back what was ordered in a rehearsal; returns how many orders are still open.

    Call it outside of any transaction: each order is one of its own.
    """
    return checkout.void(
        referral_prefix=referral.prefix(piece_id),
        reason=_("It was ordered in a rehearsal."),
        now=now,
    )


def void_late(*, now: datetime) -> int:
    """Undo what was ordered, or became known to be paid, after a rehearsal had ended."""
    lately = LiveSession.objects.filter(
        rehearsal_of__isnull=False, state=ShowState.ENDED, ended_at__gt=now - VOIDED_FOR
    )
    return sum(
        void_rehearsal(piece_id=piece_id, now=now)
        for piece_id in lately.order_by("pk").values_list("pk", flat=True)
    )
