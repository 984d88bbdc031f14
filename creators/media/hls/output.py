"""All that the origin sends out of one stream: its renditions, its still, its health."""

import gzip
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from creators.media.hls.playlist import multivariant
from creators.media.hls.ring import Disk
from creators.media.hls.track import ClosedSegment, Rendered, Track

# In this order they are offered; players begin with the first that they can play.
NAMES = ("source", "480p", "audio")


class StreamOutput:
    """One stream at the origin. The intake makes its tracks and sets what is asked of it here.

    `poster` gives a still of now (JPEG) or None; `health` gives figures for the host.
    """

    def __init__(
        self,
        stream_id: UUID,
        *,
        is_private: bool,
        disk: Disk | None = None,
        on_segment: Callable[[str, ClosedSegment], None] | None = None,
    ) -> None:
        self.stream_id = stream_id
        self.is_private = is_private
        self.tracks: dict[str, Track] = {}
        self.poster: Callable[[], Awaitable[bytes | None]] | None = None
        self.health: Callable[[], dict[str, Any]] | None = None
        self._disk = disk
        self._on_segment = on_segment

    def track(self, name: str = "source") -> Track:
        """Return a rendition's track; the first time, as the ring on disk has it (reads files)."""
        track = self.tracks.get(name)
        if track is None:
            ring = self._disk.ring(self.stream_id, name) if self._disk is not None else None
            track = Track(name, ring=ring, on_segment=self._closed(name))
            self.tracks[name] = track
        return track

    def _closed(self, name: str) -> Callable[[ClosedSegment], None]:
        def closed(segment: ClosedSegment) -> None:
            if self._on_segment is not None:
                self._on_segment(name, segment)

        return closed

    @property
    def is_published(self) -> bool:
        return any(track.is_published for track in self.tracks.values())

    def playlist(self) -> Rendered:
        """Return the multivariant playlist; only when `is_published`."""
        variants = []
        for name in NAMES:
            track = self.tracks.get(name)
            if track is not None and track.is_published:
                variants.append((name, track.peak_bitrate or 2_500_000, track.init))
        body = multivariant(variants).encode()
        return Rendered(body, gzip.compress(body, 1, mtime=0))

    def close(self) -> None:
        """End all playlists for good."""
        for track in self.tracks.values():
            track.close()
