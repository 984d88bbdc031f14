"""The picture of a show as its host's console has it: addresses, the stream key, what is wrong."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings

from creators.live.models import LiveSession
from creators.media import queries as media
from creators.media.models import Stream, StreamKey
from creators.media.publishing import TEXTS

# So long after the picture was lost it is said to be on its way back.
RECONNECTING_SECONDS: Final = 60


@dataclass(frozen=True)
class HostsPicture:
    """`key` is None when the creator never made one; `aimed_at` is the show that it sends to."""

    stream: Stream
    playback_url: str
    health_url: str
    ingest_url: str
    rtmp_url: str
    most_kbps: int
    key: StreamKey | None
    aimed_at: LiveSession | None
    trouble: str

    @property
    def is_aimed_here(self) -> bool:
        return self.key is not None and self.key.target_id == self.stream.pk

    @property
    def lost_ms(self) -> int | None:
        """Tell since when the picture is away, for the script; None while it is there."""
        lost_at = self.stream.lost_at
        if lost_at is None or self.stream.is_receiving:
            return None
        return round(lost_at.timestamp() * 1000)


def of_host(session: LiveSession, *, now: datetime) -> HostsPicture | None:
    """Read what the console needs of a show's picture; None when it has none, or none any more."""
    stream = session.stream
    if stream is None or session.is_over or not stream.is_open:
        return None
    key = media.key_of(session.piece.creator)
    aimed_at = None
    if key is not None and key.target_id is not None:
        aimed_at = (
            LiveSession.objects.select_related("piece").filter(stream_id=key.target_id).first()
        )
    trouble = stream.trouble_code
    return HostsPicture(
        stream=stream,
        playback_url=media.playback_url(stream, now=now, host=True),
        health_url=media.health_url(stream, now=now),
        ingest_url=media.ingest_url(stream, now=now),
        rtmp_url=settings.RTMP_URL,
        most_kbps=settings.STREAM_MAX_KBPS,
        key=key,
        aimed_at=aimed_at,
        trouble=str(TEXTS.get(trouble, trouble)) if trouble else "",
    )
