"""Streams and the keys that point to them."""

import secrets
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from creators.media import access
from creators.media.models import Stream, StreamKey
from creators.profiles.models import Creator
from shops.facts.refused import Refused

# Of the alphabet that is easy to read out and to type.
_KEY_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_KEY_LENGTH = 24


class StreamClosed(Refused):
    code = "stream_closed"
    message = _("That show’s picture is closed.")


def open_stream(*, creator: Creator, is_private: bool, now: datetime) -> Stream:
    """Make a stream that a publisher may send to, not on the air yet."""
    return Stream.objects.create(creator=creator, is_private=is_private, made_at=now)


def set_privacy(*, stream_id: UUID, is_private: bool, now: datetime) -> None:
    """Say whether only signed addresses may watch; the origin follows within seconds."""
    Stream.objects.filter(pk=stream_id).update(is_private=is_private)


def aim_key(*, creator: Creator, stream_id: UUID, now: datetime) -> None:
    """Have what the creator's encoder sends go to a stream, from its next connection on.

    :raises StreamClosed: it is closed, or somebody else's
    """
    if not Stream.objects.filter(pk=stream_id, creator=creator, closed_at__isnull=True).exists():
        raise StreamClosed
    StreamKey.objects.filter(creator=creator).update(target=stream_id)


@transaction.atomic
def make_key(*, creator: Creator, now: datetime) -> str:
    """Give the creator a new stream key and return it, the only time that it can be read.

    Who came by the one before is cut off within seconds. A first key points to the show that is on
    the air, else to the newest one that is open.
    """
    text = "".join(secrets.choice(_KEY_LETTERS) for _ in range(_KEY_LENGTH))
    fields = {"digest": access.key_digest(text), "hint": text[-4:], "made_at": now}
    if not StreamKey.objects.filter(creator=creator).update(**fields, rev=F("rev") + 1):
        target = (
            Stream.objects.filter(creator=creator, closed_at__isnull=True)
            .order_by(F("on_air_from").desc(nulls_last=True), "-made_at")
            .first()
        )
        StreamKey.objects.create(creator=creator, target=target, **fields)
    return text


def go_on_air(*, stream_id: UUID, now: datetime) -> None:
    """Record from now on what comes in.

    :raises StreamClosed: it was closed before
    """
    changed = Stream.objects.filter(pk=stream_id, closed_at__isnull=True).update(
        on_air_from=Coalesce(F("on_air_from"), now), on_air_until=None
    )
    if not changed:
        raise StreamClosed


@transaction.atomic
def go_off_air(*, stream_id: UUID, now: datetime) -> None:
    """End a stream: it takes no publisher any more, and the origin ends its playlists."""
    open_streams = Stream.objects.filter(pk=stream_id, closed_at__isnull=True)
    open_streams.filter(on_air_from__isnull=False).update(on_air_until=now)
    open_streams.update(closed_at=now)
    StreamKey.objects.filter(target=stream_id).update(target=None)
