"""The shopping bag of a show."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext_lazy as _

from creators.live.events import BagChanged, ProductUnpinned
from creators.live.models import LiveSession
from creators.live.services.row import close_pin, hosted, take_open_or_refuse
from creators.pieces.models import PieceProduct
from creators.profiles.models import PartnerShop
from shops.accounts.models import User
from shops.catalog.models import Product
from shops.facts.publishing import publish
from shops.facts.refused import Refused

LARGEST_BAG: Final = 100


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


def check_sellable(*, creator_id: int, product_id: int) -> None:
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


def in_bag(piece_id: int) -> Sequence[PieceProduct]:
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
    session = hosted(piece_id=piece_id, by=by)
    rev = take_open_or_refuse(piece_id)
    shown = in_bag(piece_id)
    if any(item.product_id == product_id for item in shown):
        return
    if len(shown) >= LARGEST_BAG:
        raise BagFull
    creator_id = session.piece.creator_id
    check_sellable(creator_id=creator_id, product_id=product_id)
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
    session = hosted(piece_id=piece_id, by=by)
    rev = take_open_or_refuse(piece_id)
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
    pin = close_pin(piece_id, now=now, product_id=product_id)
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
    session = hosted(piece_id=piece_id, by=by)
    rev = take_open_or_refuse(piece_id)
    shown = {item.product_id: item for item in in_bag(piece_id)}
    wanted = list(dict.fromkeys(product_ids))
    if not shown.keys() >= set(wanted):
        raise NotInBag
    order = [*wanted, *(product_id for product_id in shown if product_id not in wanted)]
    for position, product_id in enumerate(order, start=1):
        shown[product_id].position = position
    PieceProduct.objects.bulk_update(shown.values(), ["position"])
    publish(BagChanged(piece_id=piece_id, creator_id=session.piece.creator_id, rev=rev))
