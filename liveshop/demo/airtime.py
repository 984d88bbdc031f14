"""Whether the demo's camera may send, and what it has to show then.

It sends to the show that the demo itself opened, with bob's stream key, and gives way to whoever
tries to send there too: an encoder with bob's key, or the browser of who sits at bob's console.
A key that was changed there is not bob's camera's any more: it stays away until the next start.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

from django.contrib.staticfiles import finders

from creators.live.models import LiveSession, ShowState
from creators.live.queries import current_pin
from creators.media import access
from creators.media.models import Stream, StreamKey
from creators.media.services import aim_key
from creators.profiles.models import Creator
from liveshop.demo.picture import Product
from liveshop.demo.shows import ON_NOW
from shops.catalog.models import ProductImage

# For somebody who was refused because of us to try again.
STEP_ASIDE: Final = timedelta(seconds=40)
# For somebody who was on to come back after a drop.
COMES_BACK: Final = timedelta(seconds=15)


@dataclass(frozen=True)
class OnAir:
    """The show to send to: its stream and poster, and what is pinned."""

    stream_id: UUID
    poster: str
    product: Product | None


class Airtime:
    """Looks at the show now and then; remembers who else was on."""

    def __init__(self, key: str) -> None:
        self._digest = access.key_digest(key)
        self._aside_until: datetime | None = None
        self._refusal_seen: datetime | None = None
        self._our_run: int | None = None
        self._guest_was_on = False

    def look(self, *, now: datetime, is_sending: bool) -> OnAir | None:
        """Return what to send and where to; None: not now."""
        session = _own_show()
        stream = session.stream if session else None
        key = StreamKey.objects.filter(digest=self._digest).select_related("creator").first()
        if session is None or stream is None or not stream.is_open or key is None:
            return None
        if self._steps_aside(stream, now) or not self._is_free(stream, now, is_sending=is_sending):
            return None
        if not is_sending and key.target_id != stream.pk:
            # It points to a show that somebody made themselves, or to one that is over.
            if key.target_id is not None:
                return None
            aim_key(creator=key.creator, stream_id=stream.pk, now=now)
        poster = Path(session.poster_path).stem
        return OnAir(stream_id=stream.pk, poster=poster, product=_pinned(session))

    def _steps_aside(self, stream: Stream, now: datetime) -> bool:
        refused_at = stream.trouble_at if stream.trouble_code == "already_publishing" else None
        if refused_at is not None and refused_at != self._refusal_seen:
            self._refusal_seen = refused_at
            # One from before our time is no reason.
            if now - refused_at < STEP_ASIDE:
                self._aside_until = now + STEP_ASIDE
        return self._aside_until is not None and now < self._aside_until

    def _is_free(self, stream: Stream, now: datetime, *, is_sending: bool) -> bool:
        if is_sending:
            if stream.is_receiving:
                self._our_run, self._guest_was_on = stream.run, False
            return True
        if stream.is_receiving:
            # Or it is what is left of our own last run, which will soon be noticed.
            self._guest_was_on = stream.run != self._our_run
            return False
        is_back_soon = stream.lost_at is not None and now - stream.lost_at < COMES_BACK
        return not (self._guest_was_on and is_back_soon)


def _own_show() -> LiveSession | None:
    return (
        LiveSession.objects.filter(
            state=ShowState.LIVE,
            rehearsal_of=None,
            piece__creator__handle="bob",
            piece__title__in=[script.title for script in ON_NOW],
        )
        .select_related("piece__creator", "stream")
        .order_by("-pk")
        .first()
    )


def _pinned(session: LiveSession) -> Product | None:
    pin = current_pin(session)
    return None if pin is None else product_of(pin.product_id, pin.product.title)


def product_of(product_id: int, title: str) -> Product:
    """Return a product as the picture shows it, with its drawing where it has one."""
    images = ProductImage.objects.filter(product_id=product_id).order_by("position", "pk")
    name = images.values_list("static_path", flat=True).first() or ""
    found = finders.find(name) if name.endswith(".svg") else None
    return Product(title=title, drawing=Path(found) if isinstance(found, str) else None)


def bob() -> Creator:
    return Creator.objects.get(handle="bob")
