"""A show from schedule to end: its state, its shopping bag and the pinned product.

Each change takes the show's row first (`rev` + 1), so changes of one show happen one after the
other and clients can order them. Only the host may make them.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from django.db import connection, transaction
from django.db.models import Max
from django.utils.translation import gettext_lazy as _

from creators.live.events import (
    BagChanged,
    ProductPinned,
    ProductUnpinned,
    ShowCancelled,
    ShowEnded,
    ShowScheduled,
    ShowStarted,
)
from creators.live.models import SHOW_TRANSITIONS, LiveSession, Pin, ShowEvent, ShowState
from creators.pieces.models import Piece, PieceProduct
from creators.profiles.models import Creator, PartnerShop
from shops.accounts.models import User
from shops.catalog.models import Product
from shops.facts.publishing import publish
from shops.facts.refused import Invalid, NotFound, Refused

LONGEST_SHOW_MINUTES: Final = 720
LARGEST_BAG: Final = 100
# A bag and a pin can change in these; what is over stays as it was.
_OPEN: Final = (ShowState.SCHEDULED, ShowState.LIVE)


class NotHost(Refused):
    code = "not_host"
    message = _("Only the host of the show can do that.")
    status = 403


class NotLive(Refused):
    code = "not_live"
    message = _("The show is not live.")


class ShowOver(Refused):
    code = "show_over"
    message = _("The show is over.")


class WrongState(Refused):
    code = "wrong_state"
    message = _("The show is no longer in a state in which that is possible.")


class AlreadyLive(Refused):
    """`piece_id` in the extra is the show that is live."""

    code = "already_live"
    message = _("You are live in another show. End it first.")


class NotInBag(Refused):
    code = "not_in_bag"
    message = _("That product is not in the shopping bag of this show.")


class ProductGone(Refused):
    code = "product_gone"
    message = _("That product is no longer sold.")


class NotPartner(Refused):
    code = "not_partner"
    message = _("That product's shop is not one of your partners.")
    status = 403


class BagFull(Refused):
    code = "bag_full"
    message = _("The shopping bag is full.")


def _hosted(*, piece_id: int, by: User) -> LiveSession:
    """Find a show that a user hosts.

    :raises NotFound: there is no such show
    :raises NotHost: it is somebody else's
    """
    session = LiveSession.objects.select_related("piece__creator").filter(pk=piece_id).first()
    if session is None:
        raise NotFound
    if session.piece.creator.user_id != by.pk:
        raise NotHost
    return session


def _take(piece_id: int, *, states: Iterable[ShowState]) -> int | None:
    """Lock a show for this transaction and return its next `rev`; None in any other state."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE live_livesession SET rev = rev + 1"
            " WHERE piece_id = %s AND state = ANY(%s) RETURNING rev",
            [piece_id, [str(state) for state in states]],
        )
        row = cursor.fetchone()
    return int(row[0]) if row else None


def take_open(piece_id: int) -> int | None:
    """Lock a show whose bag can still change and return its next `rev`; None when it can't."""
    return _take(piece_id, states=_OPEN)


def _take_open(piece_id: int) -> int:
    rev = take_open(piece_id)
    if rev is None:
        raise ShowOver
    return rev


def _move(session: LiveSession, *, to: ShowState, now: datetime) -> int:
    """Change a show's state when the transition table has it, and write that down.

    :raises WrongState: it does not, or somebody was faster
    """
    for state, reachable in SHOW_TRANSITIONS.items():
        if to not in reachable:
            continue
        rev = _take(session.pk, states=[state])
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


def _close_pin(piece_id: int, *, now: datetime, product_id: int | None = None) -> Pin | None:
    """End the open pin (of one product, when told) of a show whose row is taken."""
    pins = Pin.objects.filter(session_id=piece_id, unpinned_at__isnull=True)
    if product_id is not None:
        pins = pins.filter(product_id=product_id)
    pin = pins.first()
    if pin is not None:
        # A clock that went back must not end a pin before it began.
        pin.unpinned_at = max(now, pin.pinned_at)
        pin.save(update_fields=["unpinned_at"])
    return pin


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
        _check_sellable(creator_id=creator.pk, product_id=product_id)
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
    session = _hosted(piece_id=piece_id, by=by)
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
    session = _hosted(piece_id=piece_id, by=by)
    rev = _move(session, to=ShowState.ENDED, now=now)
    _close_pin(piece_id, now=now)
    publish(ShowEnded(piece_id=piece_id, creator_id=session.piece.creator_id, rev=rev))
    return session


@transaction.atomic
def cancel_show(*, piece_id: int, by: User, now: datetime) -> LiveSession:
    """Call off a show that has not begun.

    :raises NotHost: it is somebody else's show
    :raises WrongState: it has begun
    """
    session = _hosted(piece_id=piece_id, by=by)
    rev = _move(session, to=ShowState.CANCELLED, now=now)
    publish(ShowCancelled(piece_id=piece_id, creator_id=session.piece.creator_id, rev=rev))
    return session


def _check_sellable(*, creator_id: int, product_id: int) -> None:
    """Refuse a product that a creator can't show now.

    Its row is not locked, so that a pin never waits for a feed that is being imported: what is
    archived in between is taken out by the reaction, and reads show only what is sold.
    """
    product = Product.objects.filter(pk=product_id).first()
    if product is None or not product.is_active:
        raise ProductGone
    partner = PartnerShop.objects.filter(
        creator_id=creator_id, shop_id=product.shop_id, shop__is_active=True
    )
    if not partner.exists():
        raise NotPartner


def _in_bag(piece_id: int) -> Sequence[PieceProduct]:
    return list(
        PieceProduct.objects.filter(piece_id=piece_id, removed_at__isnull=True).order_by(
            "position", "pk"
        )
    )


@transaction.atomic
def add_to_bag(*, piece_id: int, product_id: int, by: User, now: datetime) -> None:
    """Put a product last into a show's bag; one that is in it stays where it is.

    :raises NotHost: it is somebody else's show
    :raises ShowOver: it has ended or was cancelled
    :raises ProductGone: the product does not exist or is not sold
    :raises NotPartner: its shop is not one of the creator's partners
    :raises BagFull: the bag has 100 products
    """
    session = _hosted(piece_id=piece_id, by=by)
    rev = _take_open(piece_id)
    shown = _in_bag(piece_id)
    if any(item.product_id == product_id for item in shown):
        return
    if len(shown) >= LARGEST_BAG:
        raise BagFull
    creator_id = session.piece.creator_id
    _check_sellable(creator_id=creator_id, product_id=product_id)
    last = PieceProduct.objects.filter(piece_id=piece_id).aggregate(last=Max("position"))["last"]
    PieceProduct.objects.create(
        piece_id=piece_id, product_id=product_id, position=(last or 0) + 1, added_at=now
    )
    publish(BagChanged(piece_id=piece_id, creator_id=creator_id, rev=rev))


@transaction.atomic
def remove_from_bag(*, piece_id: int, product_id: int, by: User, now: datetime) -> None:
    """Take a product out of a show's bag, and its pin off.

    :raises NotHost: it is somebody else's show
    :raises ShowOver: it has ended or was cancelled
    :raises NotInBag: the product is not in it
    """
    session = _hosted(piece_id=piece_id, by=by)
    rev = _take_open(piece_id)
    if not take_out(session, product_id=product_id, rev=rev, now=now):
        raise NotInBag


def take_out(session: LiveSession, *, product_id: int, rev: int, now: datetime) -> bool:
    """Take a product out of the bag of a show whose row is taken; False when it was not in it."""
    piece_id, creator_id = session.pk, session.piece.creator_id
    removed = PieceProduct.objects.filter(
        piece_id=piece_id, product_id=product_id, removed_at__isnull=True
    ).update(removed_at=now)
    if not removed:
        return False
    pin = _close_pin(piece_id, now=now, product_id=product_id)
    if pin is not None:
        publish(
            ProductUnpinned(
                piece_id=piece_id,
                creator_id=creator_id,
                rev=rev,
                pin_id=pin.pk,
                product_id=product_id,
            )
        )
    publish(BagChanged(piece_id=piece_id, creator_id=creator_id, rev=rev))
    return True


@transaction.atomic
def reorder_bag(*, piece_id: int, product_ids: Sequence[int], by: User, now: datetime) -> None:
    """Put these products first in the bag, in this order; the others keep theirs behind them.

    :raises NotHost: it is somebody else's show
    :raises ShowOver: it has ended or was cancelled
    :raises NotInBag: one of them is not in the bag
    """
    session = _hosted(piece_id=piece_id, by=by)
    rev = _take_open(piece_id)
    shown = {item.product_id: item for item in _in_bag(piece_id)}
    wanted = list(dict.fromkeys(product_ids))
    if not shown.keys() >= set(wanted):
        raise NotInBag
    order = [*wanted, *(product_id for product_id in shown if product_id not in wanted)]
    for position, product_id in enumerate(order, start=1):
        shown[product_id].position = position
    PieceProduct.objects.bulk_update(shown.values(), ["position"])
    publish(BagChanged(piece_id=piece_id, creator_id=session.piece.creator_id, rev=rev))


@transaction.atomic
def pin(*, piece_id: int, product_id: int, by: User, now: datetime) -> Pin:
    """Show a product of the bag as the pinned one; another that was pinned is unpinned by that.

    Pinning what is pinned gives the same pin. The replaced pin has no fact of its own:
    ProductPinned says what the pin is now, and the Pin rows keep the times.

    :raises NotHost: it is somebody else's show
    :raises NotLive: the show is not live
    :raises NotInBag: the product is not in the bag
    :raises ProductGone: it is no longer sold
    :raises NotPartner: its shop is no longer one of the creator's partners
    """
    session = _hosted(piece_id=piece_id, by=by)
    rev = _take(piece_id, states=[ShowState.LIVE])
    if rev is None:
        raise NotLive
    if not any(item.product_id == product_id for item in _in_bag(piece_id)):
        raise NotInBag
    creator_id = session.piece.creator_id
    _check_sellable(creator_id=creator_id, product_id=product_id)
    same = Pin.objects.filter(
        session_id=piece_id, product_id=product_id, unpinned_at__isnull=True
    ).first()
    if same is not None:
        return same
    _close_pin(piece_id, now=now)
    pinned = Pin.objects.create(session_id=piece_id, product_id=product_id, pinned_at=now)
    publish(
        ProductPinned(
            piece_id=piece_id,
            creator_id=creator_id,
            rev=rev,
            pin_id=pinned.pk,
            product_id=product_id,
        )
    )
    return pinned


@transaction.atomic
def unpin(*, piece_id: int, by: User, now: datetime) -> None:
    """Take the pinned product off; nothing changes when none is pinned.

    :raises NotHost: it is somebody else's show
    :raises NotLive: the show is not live
    """
    session = _hosted(piece_id=piece_id, by=by)
    rev = _take(piece_id, states=[ShowState.LIVE])
    if rev is None:
        raise NotLive
    pin = _close_pin(piece_id, now=now)
    if pin is not None:
        publish(
            ProductUnpinned(
                piece_id=piece_id,
                creator_id=session.piece.creator_id,
                rev=rev,
                pin_id=pin.pk,
                product_id=pin.product_id,
            )
        )
