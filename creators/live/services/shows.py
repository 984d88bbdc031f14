"""A show from schedule to end."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from creators.live.events import ShowCancelled, ShowEnded, ShowScheduled, ShowStarted
from creators.live.models import SHOW_TRANSITIONS, LiveSession, ShowEvent, ShowState
from creators.live.services.bag import LARGEST_BAG, BagFull, check_sellable
from creators.live.services.row import close_pin, hosted, take
from creators.pieces.models import Piece, PieceProduct
from creators.profiles.models import Creator
from shops.accounts.models import User
from shops.facts.publishing import publish
from shops.facts.refused import Invalid, Refused

LONGEST_SHOW_MINUTES: Final = 720


class WrongState(Refused):
    code = "wrong_state"
    message = _("The show is no longer in a state in which that is possible.")


class AlreadyLive(Refused):
    """`piece_id` in the extra is the show that is live."""

    code = "already_live"
    message = _("You are live in another show. End it first.")


def _move(session: LiveSession, *, to: ShowState, now: datetime) -> int:
    """Change a show's state when the transition table has it, and write that down.

    :raises WrongState: it does not, or somebody was faster
    """
    for state, reachable in SHOW_TRANSITIONS.items():
        if to not in reachable:
            continue
        rev = take(session.pk, states=[state])
        if rev is None:
            continue
        session.state, session.rev = to, rev
        changed = ["state"]
        if to == ShowState.LIVE:
            session.started_at = now
            changed.append("started_at")
        elif to == ShowState.ENDED:
            session.ended_at = now
            changed.append("ended_at")
        session.save(update_fields=changed)
        ShowEvent.objects.create(session=session, from_state=state, to_state=to, at=now)
        return rev
    raise WrongState


@transaction.atomic
def schedule_show(
    *,
    creator: Creator,
    title: str,
    scheduled_at: datetime,
    now: datetime,
    category_id: int | None = None,
    planned_minutes: int = 60,
    product_ids: Sequence[int] = (),
    language: str = "en",
    poster_path: str = "",
) -> LiveSession:
    """Announce a show with its shopping bag, in the order given.

    :raises Invalid: no title, or a length that is not 5 minutes to 12 hours
    :raises ProductGone: a product does not exist or is not sold
    :raises NotPartner: a product is of a shop that is not the creator's partner
    :raises BagFull: more than 100 products
    """
    title = " ".join(title.split())
    if not title or len(title) > 120:
        raise Invalid(_("A title of 1 to 120 characters is needed."))
    if not 5 <= planned_minutes <= LONGEST_SHOW_MINUTES:
        raise Invalid(_("A show lasts from 5 minutes to 12 hours."))
    piece = Piece.objects.create(
        kind=Piece.Kind.LIVE,
        creator=creator,
        category_id=category_id,
        title=title,
        language=language,
        created_at=now,
    )
    session = LiveSession.objects.create(
        piece=piece,
        scheduled_at=scheduled_at,
        planned_minutes=planned_minutes,
        poster_path=poster_path,
    )
    ShowEvent.objects.create(session=session, to_state=ShowState.SCHEDULED, at=now)
    wanted = list(dict.fromkeys(product_ids))
    if len(wanted) > LARGEST_BAG:
        raise BagFull
    for product_id in wanted:
        check_sellable(creator_id=creator.pk, product_id=product_id)
    PieceProduct.objects.bulk_create(
        PieceProduct(piece=piece, product_id=product_id, position=position, added_at=now)
        for position, product_id in enumerate(wanted, start=1)
    )
    publish(ShowScheduled(piece_id=piece.pk, creator_id=creator.pk, rev=session.rev))
    return session


@transaction.atomic
def start_show(*, piece_id: int, by: User, now: datetime) -> LiveSession:
    """Go live; starting a show that is live changes nothing.

    :raises NotHost: it is somebody else's show
    :raises AlreadyLive: the creator is live in another show
    :raises WrongState: it has ended or was cancelled
    """
    session = hosted(piece_id=piece_id, by=by)
    creator_id = session.piece.creator_id
    # Two shows of one creator that are started at once wait for each other here.
    Creator.objects.select_for_update().get(pk=creator_id)
    live = LiveSession.objects.filter(piece__creator_id=creator_id, state=ShowState.LIVE).first()
    if live is not None:
        if live.pk == piece_id:
            return live
        raise AlreadyLive(piece_id=live.pk)
    rev = _move(session, to=ShowState.LIVE, now=now)
    publish(ShowStarted(piece_id=piece_id, creator_id=creator_id, rev=rev))
    return session


@transaction.atomic
def end_show(*, piece_id: int, by: User, now: datetime) -> LiveSession:
    """End a live show and its open pin; the bag stays for the replay.

    :raises NotHost: it is somebody else's show
    :raises WrongState: it is not live
    """
    session = hosted(piece_id=piece_id, by=by)
    rev = _move(session, to=ShowState.ENDED, now=now)
    close_pin(piece_id, now=now)
    publish(ShowEnded(piece_id=piece_id, creator_id=session.piece.creator_id, rev=rev))
    return session


@transaction.atomic
def cancel_show(*, piece_id: int, by: User, now: datetime) -> LiveSession:
    """Call off a show that has not begun.

    :raises NotHost: it is somebody else's show
    :raises WrongState: it has begun
    """
    session = hosted(piece_id=piece_id, by=by)
    rev = _move(session, to=ShowState.CANCELLED, now=now)
    publish(ShowCancelled(piece_id=piece_id, creator_id=session.piece.creator_id, rev=rev))
    return session
