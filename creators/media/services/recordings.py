"""What is kept of a stream: rows for stored segments, and their end."""

from datetime import datetime
from uuid import UUID

from django.core.files.storage import Storage, storages
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _
from procrastinate.contrib.django import app as jobs

from creators.media.models import Caption, Segment, Stream
from shops.facts.refused import Refused

# The job of tasks.py; by its name, because that one stands on this module.
ERASE = "media.erase"


class Erased(Refused):
    code = "erased"
    message = _("That recording was erased.")


@transaction.atomic
def record_segment(
    *,
    stream_id: UUID,
    run: int,
    first: int,
    starts_at: datetime,
    duration_ms: int,
    size_bytes: int,
    name: str,
    init_name: str,
) -> bool:
    """Enter a stretch that lies in the storage now; False when it was entered before.

    :raises Erased: nothing of this stream is kept any more
    """
    # Held until the end, so that an erasure comes wholly before or wholly after.
    stream = Stream.objects.select_for_update(of=("self",), no_key=True).filter(
        pk=stream_id, erased_at__isnull=True
    )
    if not stream.exists():
        raise Erased
    _segment, is_new = Segment.objects.get_or_create(
        stream_id=stream_id,
        first=first,
        defaults={
            "run": run,
            "starts_at": starts_at,
            "duration_ms": duration_ms,
            "size_bytes": size_bytes,
            "name": name,
            "init_name": init_name,
        },
    )
    return is_new


@transaction.atomic
def erase_stream(*, stream_id: UUID, now: datetime) -> None:
    """Close a stream and forget what was recorded of it; the files go in a job."""
    changed = Stream.objects.filter(pk=stream_id, erased_at__isnull=True).update(
        erased_at=now,
        closed_at=Coalesce(F("closed_at"), now),
        on_air_until=Coalesce(F("on_air_until"), now),
    )
    if not changed:
        return
    Caption.objects.filter(stream_id=stream_id).delete()
    jobs.configure_task(ERASE, allow_unknown=False).defer(stream_id=str(stream_id))


def erase_files(*, stream_id: UUID) -> int:
    """Delete an erased stream's files, then the rows that named them; returns how many files.

    Files without a row are found by their folder: a recorder may have died between the two.
    """
    if not Stream.objects.filter(pk=stream_id, erased_at__isnull=False).exists():
        return 0
    storage = storages["recordings"]
    deleted = _empty(storage, str(stream_id))
    Segment.objects.filter(stream_id=stream_id).delete()
    return deleted


def _empty(storage: Storage, folder: str) -> int:
    try:
        folders, files = storage.listdir(folder)
    except FileNotFoundError:
        return 0
    deleted = sum(_empty(storage, f"{folder}/{name}") for name in folders)
    for name in files:
        storage.delete(f"{folder}/{name}")
    # A folder of the disk goes when it is empty; an object storage has none.
    storage.delete(folder)
    return deleted + len(files)
