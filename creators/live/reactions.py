"""What the live shows do when something happened in the shops, or a rehearsal is over."""

from datetime import datetime

from django.db.models import QuerySet

from creators.live.events import BagChanged, RehearsalEnded
from creators.live.models import LiveSession, ShowState
from creators.live.services import erase_rehearsal, take_open, take_out
from creators.pieces.models import PieceProduct
from shops.catalog.events import PriceChanged, ProductArchived
from shops.facts.publishing import publish
from shops.feeds.events import FeedImported
from shops.pricing.events import DealChanged


def take_out_of_bags(fact: ProductArchived, *, event_id: int, now: datetime) -> None:
    """Take a product that is no longer sold out of every bag that can still change."""
    for session in _open_shows(PieceProduct.objects.filter(product_id=fact.product_id)):
        rev = take_open(session.pk)
        if rev is not None:
            take_out(session, product_id=fact.product_id, rev=rev, now=now)


def tell_bags(
    fact: PriceChanged | DealChanged | FeedImported, *, event_id: int, now: datetime
) -> None:
    """Let every bag that can still change be told anew: its cards show prices and titles."""
    shown = PieceProduct.objects.filter(product__shop_id=fact.shop_id)
    if isinstance(fact, PriceChanged | DealChanged):
        shown = shown.filter(product_id=fact.product_id)
    for session in _open_shows(shown):
        rev = take_open(session.pk)
        if rev is not None:
            publish(BagChanged(piece_id=session.pk, creator_id=session.piece.creator_id, rev=rev))


def erase(fact: RehearsalEnded, *, event_id: int, now: datetime) -> None:
    """Leave nothing of a rehearsal."""
    erase_rehearsal(piece_id=fact.piece_id)


def _open_shows(shown: QuerySet[PieceProduct]) -> QuerySet[LiveSession]:
    """Select the open shows with one of these in the bag.

    In key order, so that two facts that are told at once can't wait for each other.
    """
    pieces = shown.filter(removed_at__isnull=True).values("piece_id")
    return (
        LiveSession.objects.select_related("piece")
        .filter(state__in=[ShowState.SCHEDULED, ShowState.LIVE], pk__in=pieces)
        .order_by("pk")
    )
