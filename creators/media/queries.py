"""Reads of streams: their addresses, what was recorded, what was said."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings

from creators.media import access, webvtt
from creators.media.models import Caption, Segment, Stream, StreamKey
from creators.media.timeline import Timeline
from creators.profiles.models import Creator

# A signed address works for that long at least; it stays the same for an hour, so that pages and
# caches may keep it.
SIGNED_FOR: Final = timedelta(hours=12)


def _until(now: datetime) -> datetime:
    hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return hour + SIGNED_FOR + timedelta(hours=1)


def _token(stream: Stream, purpose: access.Purpose, now: datetime) -> str:
    return access.sign(stream.pk, purpose=purpose, until=_until(now)) + "/"


def playback_url(stream: Stream, *, now: datetime, host: bool = False) -> str:
    """Return where to watch; signed when the stream is private, or for its host."""
    token = ""
    if stream.is_private or host:
        token = _token(stream, "host" if host else "watch", now)
    if not settings.PLAYBACK_URL:
        return f"{settings.ORIGIN_URL}/live/{stream.pk}/{token}index.m3u8"
    address: str = settings.PLAYBACK_URL.replace("{stream}", str(stream.pk))
    if "{token}" in address or not token:
        return address.replace("{token}", token)
    return f"{address}{'&' if '?' in address else '?'}token={token.rstrip('/')}"


def poster_url(stream: Stream, *, now: datetime) -> str:
    """Return where a still of the present picture is."""
    token = _token(stream, "watch", now) if stream.is_private else ""
    return f"{settings.ORIGIN_URL}/live/{stream.pk}/{token}poster.jpg"


def health_url(stream: Stream, *, now: datetime) -> str:
    """Return where the host reads how its picture comes in."""
    return f"{settings.ORIGIN_URL}/live/{stream.pk}/{_token(stream, 'host', now)}health.json"


def ingest_url(stream: Stream, *, now: datetime) -> str:
    """Return the websocket that takes the picture of the host's camera."""
    base = settings.ORIGIN_URL.replace("http", "ws", 1)
    return f"{base}/ingest/{stream.pk}/{_token(stream, 'publish', now)}"


def key_of(creator: Creator) -> StreamKey | None:
    """Return what is known of a creator's stream key: its last characters, never the key."""
    return StreamKey.objects.filter(creator=creator).first()


def key_like(key: str) -> StreamKey | None:
    """Find the stream key that an encoder says."""
    return StreamKey.objects.filter(digest=access.key_digest(key)).select_related("target").first()


def segments(stream: Stream, starts_at: datetime, ends_at: datetime) -> Sequence[Segment]:
    """Return what was recorded between two instants, whole segments, in their order."""
    in_time = Segment.objects.filter(stream=stream, starts_at__lt=ends_at).order_by("first")
    return [one for one in in_time if one.ends_at > starts_at]


def recorded_until(stream_id: UUID) -> tuple[int, datetime] | None:
    """Return of the last stored stretch its first live segment's number, and when it ends."""
    last = Segment.objects.filter(stream_id=stream_id).order_by("-first").first()
    return (last.first, last.ends_at) if last else None


def caption_languages(stream: Stream, starts_at: datetime, ends_at: datetime) -> list[str]:
    """Return the languages in which something was said between two instants."""
    lines = Caption.objects.filter(stream=stream, starts_at__lt=ends_at, ends_at__gt=starts_at)
    return sorted(lines.order_by().values_list("language", flat=True).distinct())


def captions(stream: Stream, starts_at: datetime, ends_at: datetime) -> dict[str, list[Caption]]:
    """Return what was said between two instants, by language."""
    found: dict[str, list[Caption]] = {}
    for line in Caption.objects.filter(
        stream=stream, starts_at__lt=ends_at, ends_at__gt=starts_at
    ).order_by("starts_at", "pk"):
        found.setdefault(line.language, []).append(line)
    return found


def captions_vtt(stream: Stream, starts_at: datetime, ends_at: datetime, language: str) -> str:
    """Return the captions for a replay of these segments, as a WebVTT file."""
    timeline = Timeline(segments(stream, starts_at, ends_at))
    lines = captions(stream, starts_at, ends_at).get(language, [])
    cues = []
    for line in lines:
        first = timeline.position_ms(line.starts_at)
        last = timeline.position_ms(line.ends_at)
        if last > first:
            cues.append(webvtt.Cue(first, last, line.text))
    return webvtt.write(cues)


@dataclass(frozen=True)
class Standing:
    """What the site says of a stream, for the origin that serves it."""

    creator_id: int
    run: int
    is_private: bool
    is_receiving: bool
    is_closed: bool
    is_erased: bool
    on_air_from: datetime | None
    on_air_until: datetime | None
    # Of the creator's present key; 0 when there is none.
    key_rev: int
    # Where that key sends to.
    key_target: UUID | None = None


def standings(stream_ids: Collection[UUID]) -> dict[UUID, Standing]:
    """Return what is said of these streams now."""
    rows = Stream.objects.filter(pk__in=stream_ids).values_list(
        "pk",
        "creator_id",
        "run",
        "is_private",
        "receiving_since",
        "closed_at",
        "erased_at",
        "on_air_from",
        "on_air_until",
        "creator__stream_key__rev",
        "creator__stream_key__target",
    )
    return {
        pk: Standing(
            creator_id=creator_id,
            run=run,
            is_private=is_private,
            is_receiving=receiving_since is not None,
            is_closed=closed_at is not None,
            is_erased=erased_at is not None,
            on_air_from=on_air_from,
            on_air_until=on_air_until,
            key_rev=key_rev or 0,
            key_target=key_target,
        )
        for (
            pk,
            creator_id,
            run,
            is_private,
            receiving_since,
            closed_at,
            erased_at,
            on_air_from,
            on_air_until,
            key_rev,
            key_target,
        ) in rows
    }
