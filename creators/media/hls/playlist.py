"""The text of a media playlist (RFC 8216bis, low latency)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from creators.media.hls.cutter import Init


@dataclass(frozen=True, slots=True)
class Part:
    """A quarter of a second: what is sent on as soon as it is there.

    `number` grows by one with each part, whatever segment it falls in, so that the hint of the
    next part comes true even when that part opens a new segment.
    """

    number: int
    duration: float
    is_independent: bool
    data: bytes

    @property
    def line(self) -> str:
        independent = ",INDEPENDENT=YES" if self.is_independent else ""
        return f'#EXT-X-PART:DURATION={self.duration:.5f},URI="p{self.number}.m4s"{independent}'


@dataclass(slots=True)
class Segment:
    """About a second: parts in a row. `duration` is 0 while it is open, `date` a Unix time."""

    number: int
    run: int
    init_name: str
    date: float
    # It begins anew: other clock, other codec parameters, perhaps another publisher.
    is_discontinuity: bool
    is_independent: bool
    # How many discontinuities came before it (its own not counted).
    discontinuities: int
    parts: list[Part] = field(default_factory=list)
    duration: float = 0.0
    data: bytes = b""

    @property
    def so_far(self) -> float:
        return self.duration or sum(part.duration for part in self.parts)


@dataclass(frozen=True, slots=True)
class Targets:
    """Promised for the life of a playlist: whole seconds of a segment, seconds of a part."""

    segment: int
    part: float

    @property
    def skip_until(self) -> int:
        return 6 * self.segment

    @property
    def part_hold_back(self) -> float:
        return max(0.9, 3 * self.part)


@dataclass(frozen=True, slots=True)
class Content:
    """All that a playlist tells of. `hint` is the number of the part to come, None when none is."""

    targets: Targets
    segments: Sequence[Segment]
    open: Segment | None
    first: int
    discontinuities: int
    hint: int | None
    is_ended: bool


def _stamp(at: float) -> str:
    moment = datetime.fromtimestamp(round(at, 3), UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _skippable(content: Content) -> int:
    """Return how many of the oldest segments a delta update leaves out."""
    end = sum(one.duration for one in content.segments)
    end += content.open.so_far if content.open else 0.0
    count = 0
    for one in content.segments:
        end -= one.duration
        # Its end is `end` before the end of the playlist.
        if end < content.targets.skip_until:
            break
        count += 1
    return count


def _with_parts(content: Content) -> int:
    """Return the number of the first segment whose parts are told: the last three targets."""
    left = 3.0 * content.targets.segment
    for one in reversed(content.segments):
        if left < -0.01:
            return one.number + 1
        left -= one.duration
    return content.first


def render(content: Content, *, is_delta: bool = False) -> str:
    """Return the playlist; as a delta update, only what is younger than the skip boundary."""
    targets = content.targets
    shown = [*content.segments, content.open] if content.open else list(content.segments)
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:9",
        f"#EXT-X-TARGETDURATION:{targets.segment}",
        "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES"
        f",CAN-SKIP-UNTIL={targets.skip_until}"
        f",PART-HOLD-BACK={targets.part_hold_back:.3f},HOLD-BACK={3 * targets.segment}",
        f"#EXT-X-PART-INF:PART-TARGET={targets.part:.3f}",
        f"#EXT-X-MEDIA-SEQUENCE:{content.first}",
        f"#EXT-X-DISCONTINUITY-SEQUENCE:{content.discontinuities}",
    ]
    if all(one.is_independent for one in shown):
        lines.append("#EXT-X-INDEPENDENT-SEGMENTS")
    skipped = _skippable(content) if is_delta else 0
    if skipped:
        lines.append(f"#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}")
    init = content.segments[skipped - 1].init_name if skipped else ""
    parts_from = _with_parts(content)
    for one in shown[skipped:]:
        if one.is_discontinuity:
            lines.append("#EXT-X-DISCONTINUITY")
        if one.init_name != init:
            init = one.init_name
            lines.append(f'#EXT-X-MAP:URI="{init}"')
        lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{_stamp(one.date)}")
        if one.number >= parts_from:
            lines += [part.line for part in one.parts]
        if one.duration:
            lines += [f"#EXTINF:{one.duration:.5f},", f"s{one.number}.m4s"]
    if content.is_ended:
        lines.append("#EXT-X-ENDLIST")
    elif content.hint is not None:
        lines.append(f'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="p{content.hint}.m4s"')
    return "\n".join(lines) + "\n"


def multivariant(variants: Sequence[tuple[str, int, Init | None]]) -> str:
    """Return the playlist of playlists: name, peak bits a second and init of each rendition."""
    lines = ["#EXTM3U", "#EXT-X-VERSION:9"]
    for name, bitrate, init in variants:
        words = [f"BANDWIDTH={max(bitrate, 1)}"]
        if init is not None:
            words.append(f'CODECS="{init.codecs}"')
            if init.width and init.height:
                words.append(f"RESOLUTION={init.width}x{init.height}")
        lines += [f"#EXT-X-STREAM-INF:{','.join(words)}", f"{name}/media.m3u8"]
    return "\n".join(lines) + "\n"
