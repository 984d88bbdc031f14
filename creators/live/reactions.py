"""What the live shows do when something happened in the shops."""

from datetime import datetime

from creators.live.models import LiveSession, ShowState
from creators.live.services import take_open, take_out
from shops.catalog.events import ProductArchived


def take_out_of_bags(fact: ProductArchived, *, event_id: int, now: datetime) -> None:
    """Take a product that is no longer sold out of every bag that can still change."""
    sessions = LiveSession.objects.select_related("piece").filter(
        state__in=[ShowState.SCHEDULED, ShowState.LIVE],
        piece__shown__product_id=fact.product_id,
        piece__shown__removed_at__isnull=True,
    )
    # In key order, so that two products that are archived at once can't wait for each other.
    for session in sessions.order_by("pk"):
        rev = take_open(session.pk)
        if rev is not None:
            take_out(session, product_id=fact.product_id, rev=rev, now=now)
