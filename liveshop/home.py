"""What the home page shows: shows that are on, shows to come, and what the shops have."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.urls import reverse
from django.utils import timezone

from creators.live import queries as live
from creators.live.models import LiveSession, Pin
from creators.media import queries as media
from creators.stage import publishing, rooms
from shops.catalog import queries as catalog
from shops.catalog.models import Shop

MOST_LIVE: Final = 12
MOST_UPCOMING: Final = 9
MOST_PRODUCTS: Final = 10
MOST_SHOPS: Final = 12


@dataclass(frozen=True)
class ShowCard:
    """A show as `parts/show_card.html` draws it."""

    title: str
    url: str
    is_live: bool
    starts_at: datetime
    creator_name: str
    avatar_path: str
    cover_url: str
    # A still of the present picture, above the cover; "" while there is none.
    still_url: str
    pinned: catalog.Card | None
    viewers: int


def live_cards() -> Sequence[ShowCard]:
    """List the shows that are on with what they have pinned, in a constant number of queries."""
    sessions = live.live_now(limit=MOST_LIVE)
    pinned = _pinned(sessions)
    viewers = _viewers(sessions)
    return [
        _card(session, pinned.get(session.pk), viewers.get(session.pk, 0)) for session in sessions
    ]


def upcoming_cards(*, now: datetime) -> Sequence[ShowCard]:
    """List the next shows."""
    return [_card(session) for session in live.upcoming(now=now, limit=MOST_UPCOMING)]


def new_products() -> Sequence[catalog.Card]:
    """List the products that came last."""
    return catalog.cards(catalog.active_products()[:MOST_PRODUCTS])


def shops() -> Sequence[Shop]:
    """List shops that sell, by name."""
    return list(Shop.objects.filter(is_active=True).order_by("name")[:MOST_SHOPS])


def _pinned(sessions: Iterable[LiveSession]) -> dict[int, catalog.Card]:
    pins = dict(
        Pin.objects.filter(session__in=sessions, unpinned_at__isnull=True).values_list(
            "session_id", "product_id"
        )
    )
    if not pins:
        return {}
    cards = catalog.cards(catalog.products_by_id(pins.values()))
    by_product = {card.product_id: card for card in cards}
    return {
        session_id: by_product[product_id]
        for session_id, product_id in pins.items()
        if product_id in by_product
    }


def _viewers(sessions: Iterable[LiveSession]) -> dict[int, int]:
    counts: dict[int, int] = {}
    for session in sessions:
        reading = publishing.read(rooms.live_room(session.pk))
        if reading is None:
            # The stage does not answer. Home works without it, and asks only once.
            break
        counts[session.pk] = reading.viewers
    return counts


def _still_url(session: LiveSession) -> str:
    stream = session.stream
    if not session.is_live or stream is None or stream.is_private or not stream.is_receiving:
        return ""
    return media.poster_url(stream, now=timezone.now())


def _card(session: LiveSession, pinned: catalog.Card | None = None, viewers: int = 0) -> ShowCard:
    creator = session.piece.creator
    return ShowCard(
        title=session.piece.title,
        url=reverse("live:show", args=[session.pk]),
        is_live=session.is_live,
        starts_at=session.started_at
        if session.is_live and session.started_at
        else session.scheduled_at,
        creator_name=creator.name,
        avatar_path=creator.avatar_path,
        cover_url=session.cover_url,
        still_url=_still_url(session),
        pinned=pinned,
        viewers=viewers,
    )
