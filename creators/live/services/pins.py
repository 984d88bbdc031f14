"""The pinned product of a show."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from creators.live.events import ProductPinned, ProductUnpinned
from creators.live.models import Pin, ShowState
from creators.live.services.bag import NotInBag, check_sellable, in_bag
from creators.live.services.row import close_pin, hosted, take
from shops.accounts.models import User
from shops.catalog.models import Sku
from shops.facts.publishing import publish
from shops.facts.refused import Refused


class NotLive(Refused):
    code = "not_live"
    message = _("The show is not live.")


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
    session = hosted(piece_id=piece_id, by=by)
    rev = take(piece_id, states=[ShowState.LIVE])
    if rev is None:
        raise NotLive
    if not any(item.product_id == product_id for item in in_bag(piece_id)):
        raise NotInBag
    creator_id = session.piece.creator_id
    check_sellable(creator_id=creator_id, product_id=product_id)
    same = Pin.objects.filter(
        session_id=piece_id, product_id=product_id, unpinned_at__isnull=True
    ).first()
    if same is not None:
        return same
    close_pin(piece_id, now=now)
    cheapest = (
        Sku.objects.filter(product_id=product_id, is_active=True)
        .order_by("price_minor", "pk")
        .first()
    )
    pinned = Pin.objects.create(
        session_id=piece_id,
        product_id=product_id,
        pinned_at=now,
        price_minor=cheapest.price_minor if cheapest else None,
        currency=cheapest.currency if cheapest else "",
    )
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
    session = hosted(piece_id=piece_id, by=by)
    rev = take(piece_id, states=[ShowState.LIVE])
    if rev is None:
        raise NotLive
    pin = close_pin(piece_id, now=now)
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
