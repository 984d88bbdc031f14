"""What the home page shows: shows that are on, shows to come, and new products."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from creators.live import queries as live
from creators.live.models import LiveSession, Pin
from shops.catalog.models import Product

MOST_LIVE: Final = 12
MOST_UPCOMING: Final = 9


@dataclass(frozen=True)
class PinnedCard:
    """The product that a show talks about, at its lowest price."""

    title: str
    image_url: str
    price_minor: int
    compare_at_minor: int | None
    currency: str


@dataclass(frozen=True)
class ShowCard:
    """A show as `parts/show_card.html` draws it."""

    title: str
    url: str
    is_live: bool
    starts_at: datetime
    creator_name: str
    avatar_path: str
    poster_path: str
    pinned: PinnedCard | None


def live_cards() -> Sequence[ShowCard]:
    """List the shows that are on with what they have pinned, in a constant number of queries."""
    sessions = live.live_now(limit=MOST_LIVE)
    pinned = _pinned(sessions)
    return [_card(session, pinned.get(session.pk)) for session in sessions]


def upcoming_cards(*, now: datetime) -> Sequence[ShowCard]:
    """List the next shows."""
    return [_card(session, None) for session in live.upcoming(now=now, limit=MOST_UPCOMING)]


def _pinned(sessions: Iterable[LiveSession]) -> dict[int, PinnedCard]:
    pins = (
        Pin.objects.filter(
            session__in=sessions,
            unpinned_at__isnull=True,
            product__status=Product.Status.ACTIVE,
        )
        .select_related("product")
        .prefetch_related("product__images", "product__skus")
    )
    cards = {}
    for pin in pins:
        offers = [sku for sku in pin.product.skus.all() if sku.is_active]
        if not offers:
            continue
        cheapest = min(offers, key=lambda sku: sku.price_minor)
        images = sorted(pin.product.images.all(), key=lambda image: (image.position, image.pk))
        cards[pin.session_id] = PinnedCard(
            title=pin.product.title,
            image_url=live.image_url(images[0] if images else None),
            price_minor=cheapest.price_minor,
            compare_at_minor=cheapest.compare_at_minor,
            currency=cheapest.currency,
        )
    return cards


def _card(session: LiveSession, pinned: PinnedCard | None) -> ShowCard:
    creator = session.piece.creator
    return ShowCard(
        title=session.piece.title,
        url=f"/live/{session.pk}/",
        is_live=session.is_live,
        starts_at=session.started_at or session.scheduled_at,
        creator_name=creator.name,
        avatar_path=creator.avatar_path,
        poster_path=session.poster_path,
        pinned=pinned,
    )
