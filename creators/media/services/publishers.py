"""What the origin says of publishers: came, can be watched, went, was refused."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from creators.media.events import PictureLost, PictureStarted, PublisherRefused
from creators.media.models import Stream
from shops.facts.publishing import publish
from shops.facts.refused import Refused

# An origin says every few seconds whom it has; one that has been silent for so long is dead.
SEEN_WITHIN: Final = timedelta(seconds=20)


class NotOpen(Refused):
    code = "no_show"
    message = _("That show takes no picture any more.")


class PublishingAlready(Refused):
    code = "already_publishing"
    message = _("Somebody is sending a picture to that show already.")


def publisher_came(
    *, stream_id: UUID, source: Stream.Source, now: datetime, after_run: int | None = None
) -> int:
    """Note that a publisher was let in; returns the number of its run.

    :param after_run: the asking origin's own last run of this stream, which is over
    :raises NotOpen: the stream is closed
    :raises PublishingAlready: another origin has a publisher for it
    """
    free = Q(receiving_since__isnull=True) | Q(seen_at__lt=now - SEEN_WITHIN)
    if after_run is not None:
        free |= Q(run=after_run)
    changed = Stream.objects.filter(free, pk=stream_id, closed_at__isnull=True).update(
        run=F("run") + 1, source=source, receiving_since=now, seen_at=now
    )
    stream = Stream.objects.filter(pk=stream_id).only("run", "closed_at").first()
    if changed and stream is not None:
        return stream.run
    if stream is None or stream.closed_at is not None:
        raise NotOpen
    raise PublishingAlready


@transaction.atomic
def picture_started(*, stream_id: UUID, run: int, now: datetime) -> bool:
    """Note that a run's first picture can be watched; False when the run is not the present one.

    It also corrects what was written while the database could not be told, such as that the
    publisher was lost.
    """
    present = Stream.objects.filter(pk=stream_id, run=run, closed_at__isnull=True)
    present.filter(receiving_since__isnull=True).update(receiving_since=now)
    if not present.update(seen_at=now, trouble_code="", trouble_at=None):
        return False
    creator_id = present.values_list("creator_id", flat=True).get()
    publish(PictureStarted(stream_id=str(stream_id), creator_id=creator_id, run=run))
    return True


@transaction.atomic
def publisher_went(*, stream_id: UUID, run: int, now: datetime) -> bool:
    """Note that a run's publisher is gone; False when that was known, or a newer one came."""
    changed = Stream.objects.filter(pk=stream_id, run=run, receiving_since__isnull=False).update(
        receiving_since=None, lost_at=now
    )
    if not changed:
        return False
    creator_id = Stream.objects.values_list("creator_id", flat=True).get(pk=stream_id)
    publish(PictureLost(stream_id=str(stream_id), creator_id=creator_id, run=run))
    return True


@transaction.atomic
def publisher_refused(*, stream_id: UUID, code: str, now: datetime) -> None:
    """Note why a publisher was not let in or was cut off, so that its creator can be told."""
    stream = Stream.objects.filter(pk=stream_id)
    if stream.update(trouble_code=code, trouble_at=now):
        creator_id = stream.values_list("creator_id", flat=True).get()
        publish(PublisherRefused(stream_id=str(stream_id), creator_id=creator_id, code=code))


@transaction.atomic
def publisher_came_elsewhere(*, stream_id: UUID, now: datetime) -> int:
    """Note that another media server has a publisher; it judges itself who may take whose place.

    :raises NotOpen: the stream is closed
    """
    last = Stream.objects.select_for_update().filter(pk=stream_id).first()
    if last is None:
        raise NotOpen
    run = publisher_came(
        stream_id=stream_id, source=Stream.Source.SERVER, now=now, after_run=last.run
    )
    picture_started(stream_id=stream_id, run=run, now=now)
    return run


def publisher_went_elsewhere(*, stream_id: UUID, now: datetime) -> bool:
    """Note that another media server's publisher is gone; False when that was known."""
    stream = Stream.objects.filter(pk=stream_id, source=Stream.Source.SERVER).first()
    return stream is not None and publisher_went(stream_id=stream_id, run=stream.run, now=now)


def say_seen(*, runs: dict[UUID, int], now: datetime) -> None:
    """Say that these runs of these streams still come in."""
    for stream_id, run in runs.items():
        Stream.objects.filter(pk=stream_id, run=run, receiving_since__isnull=False).update(
            seen_at=now
        )


def close_lost(*, now: datetime) -> int:
    """Mark as lost what was coming in when its origin died; returns how many there were."""
    silent = Stream.objects.filter(
        Q(seen_at__lt=now - SEEN_WITHIN) | Q(seen_at__isnull=True), receiving_since__isnull=False
    ).exclude(source=Stream.Source.SERVER)
    rows = list(silent.values_list("pk", "run"))
    return sum(publisher_went(stream_id=pk, run=run, now=now) for pk, run in rows)
