"""The VOD playlist of a replay (RFC 8216), written from the rows of what was recorded."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from creators.media.models import Segment

# A longer hole in a run is one: without a mark players would wait for pictures that never came.
# Shorter ones are the clock of arrival that was set a little.
_HOLE: Final = timedelta(milliseconds=700)


def target_duration(durations_ms: Iterable[int]) -> int:
    """Return the smallest EXT-X-TARGETDURATION: no EXTINF, rounded, may be above it."""
    return max([1, *((duration + 500) // 1000 for duration in durations_ms)])


def is_break(before: Segment, after: Segment) -> bool:
    """Tell whether the timestamps of two neighbours do not go on: another run, or a hole."""
    return (
        before.run != after.run
        or before.init_name != after.init_name
        or abs(after.starts_at - before.ends_at) > _HOLE
    )


def write(segments: Iterable[Segment], *, url: Callable[[str], str], starts_ms: int = 0) -> str:
    """Write the playlist of these segments.

    :param url: gives the address of a name in the storage
    :param starts_ms: where a player is to begin, counted from the first segment
    """
    listed = list(segments)
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        f"#EXT-X-TARGETDURATION:{target_duration(one.duration_ms for one in listed)}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-PLAYLIST-TYPE:VOD",
    ]
    if starts_ms > 0:
        lines.append(f"#EXT-X-START:TIME-OFFSET={_seconds(starts_ms)},PRECISE=YES")
    before: Segment | None = None
    for one in listed:
        if before is not None and is_break(before, one):
            lines.append("#EXT-X-DISCONTINUITY")
        if before is None or before.init_name != one.init_name:
            lines.append(f'#EXT-X-MAP:URI="{url(one.init_name)}"')
        lines += [
            f"#EXT-X-PROGRAM-DATE-TIME:{_iso(one.starts_at)}",
            f"#EXTINF:{_seconds(one.duration_ms)},",
            url(one.name),
        ]
        before = one
    lines.append("#EXT-X-ENDLIST")
    return "\n".join(lines) + "\n"


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds // 1000}.{milliseconds % 1000:03}"


def _iso(instant: datetime) -> str:
    text = instant.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
