"""A checker of low-latency playlists, written from the rules of RFC 8216bis.

It reads playlists as a client would over time, each full one and the delta update of the same
moment, and remembers what was published: `faults` says what broke a rule. Numbers in the faults
name the sections of draft-pantos-hls-rfc8216bis.
"""

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

ROUNDING = 0.00002
# How much of a second dates may move against durations, and what is lost by milliseconds.
DRIFT, MILLISECONDS = 0.055, 0.003


@dataclass
class Part:
    uri: str
    duration: float
    is_independent: bool


@dataclass
class Segment:
    number: int
    uri: str = ""
    duration: float = 0.0
    date: float | None = None
    map: str = ""
    is_discontinuity: bool = False
    parts: list[Part] = field(default_factory=list)

    @property
    def length(self) -> float:
        return self.duration or sum(part.duration for part in self.parts)


@dataclass
class Playlist:
    """What the text says, before it is judged."""

    text: str
    tags: dict[str, str] = field(default_factory=dict)
    segments: list[Segment] = field(default_factory=list)
    # The segment that is not whole yet.
    open: Segment | None = None
    hint: str = ""
    skipped: int = 0
    is_ended: bool = False

    @property
    def first(self) -> int:
        return int(self.tags.get("EXT-X-MEDIA-SEQUENCE", "0"))

    @property
    def target(self) -> int:
        return int(self.tags.get("EXT-X-TARGETDURATION", "0"))

    @property
    def part_target(self) -> float:
        return float(attributes(self.tags.get("EXT-X-PART-INF", "")).get("PART-TARGET", "0"))

    @property
    def control(self) -> Mapping[str, str]:
        return attributes(self.tags.get("EXT-X-SERVER-CONTROL", ""))

    @property
    def all(self) -> list[Segment]:
        return [*self.segments, self.open] if self.open else list(self.segments)

    @property
    def last(self) -> tuple[int, int]:
        """The segment and the part that are the newest (part -1: a whole segment without)."""
        if not self.all:
            return self.first - 1, -1
        return self.all[-1].number, len(self.all[-1].parts) - 1


# A playlist's lines are those of the one before, but for a few.
@functools.lru_cache(2000)
def attributes(text: str) -> Mapping[str, str]:
    return {key: value.strip('"') for key, value in re.findall(r'([A-Z-]+)=("[^"]*"|[^,]*)', text)}


def parse(text: str) -> Playlist:
    playlist = Playlist(text)
    lines = [line for line in text.split("\n") if line]
    number: int | None = None
    current: Segment | None = None
    where = ""

    def segment() -> Segment:
        nonlocal current, number
        if number is None:
            number = playlist.first + playlist.skipped
        if current is None:
            current = Segment(number, map=where)
        return current

    for line in lines:
        tag, _, value = line.removeprefix("#").partition(":")
        if not line.startswith("#"):
            done = segment()
            done.uri = line
            playlist.segments.append(done)
            current, number = None, done.number + 1
        elif tag == "EXTINF":
            segment().duration = float(value.split(",")[0])
        elif tag == "EXT-X-PART":
            words = attributes(value)
            segment().parts.append(
                Part(words["URI"], float(words["DURATION"]), words.get("INDEPENDENT") == "YES")
            )
        elif tag == "EXT-X-DISCONTINUITY":
            segment().is_discontinuity = True
        elif tag == "EXT-X-MAP":
            where = attributes(value)["URI"]
            segment().map = where
        elif tag == "EXT-X-PROGRAM-DATE-TIME":
            segment().date = datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp()
        elif tag == "EXT-X-PRELOAD-HINT":
            playlist.hint = attributes(value)["URI"]
        elif tag == "EXT-X-SKIP":
            playlist.skipped = int(attributes(value)["SKIPPED-SEGMENTS"])
        elif tag == "EXT-X-ENDLIST":
            playlist.is_ended = True
        else:
            playlist.tags[tag] = value
    playlist.open = current
    return playlist


class Checker:
    """Give it each playlist that a client got, in order; then read `faults`."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.seen = 0
        self.parts_seen = 0
        self._before: Playlist | None = None
        self._published: dict[int, Segment] = {}

    def _say(self, rule: str, what: str) -> None:
        self.faults.append(f"{rule}: {what}")

    def see(self, text: str, *, delta: str = "") -> Playlist:
        """Judge a full playlist, and the delta update of the same moment."""
        playlist = parse(text)
        self.seen += 1
        self._form(playlist)
        self._durations(playlist)
        self._dates(playlist)
        self._parts(playlist)
        if self._before is not None:
            self._change(self._before, playlist)
        if delta:
            self._delta(playlist, parse(delta))
        for one in playlist.all:
            self._published[one.number] = one
        for number in [number for number in self._published if number < playlist.first - 100]:
            del self._published[number]
        self._before = playlist
        return playlist

    def see_part(self, part: Part, *, is_independent: bool) -> None:
        """Judge what a part's line says of its first sample."""
        if part.is_independent and not is_independent:
            self._say("4.4.4.9", f"{part.uri} says INDEPENDENT and begins without a key frame")

    def see_segment(self, segment: Segment, data: bytes, parts: bytes) -> None:
        """Judge a segment by its parts: both are the same samples."""
        if data != parts:
            self._say("4.4.4.9", f"{segment.uri} is not what its parts are")

    def _form(self, playlist: Playlist) -> None:
        if not playlist.text.startswith("#EXTM3U\n"):
            self._say("4.4.1.1", "the first line is not #EXTM3U")
        if int(playlist.tags.get("EXT-X-VERSION", "1")) < 6:
            self._say("8", "EXT-X-MAP needs version 6")
        if not playlist.target:
            self._say("4.4.3.1", "there is no target duration")
        control = playlist.control
        if control.get("CAN-BLOCK-RELOAD") != "YES":
            self._say("4.4.3.8", "the playlist cannot be waited for")
        if float(control.get("PART-HOLD-BACK", "0")) < 3 * playlist.part_target - ROUNDING:
            self._say("4.4.3.8", "PART-HOLD-BACK is less than three part targets")
        if float(control.get("HOLD-BACK", "0")) < 3 * playlist.target:
            self._say("4.4.3.8", "HOLD-BACK is less than three target durations")
        if float(control.get("CAN-SKIP-UNTIL", "0")) < 6 * playlist.target:
            self._say("4.4.3.8", "CAN-SKIP-UNTIL is less than six target durations")
        for one in playlist.all:
            if not one.map:
                self._say("4.4.4.5", f"segment {one.number} has no EXT-X-MAP")

    def _durations(self, playlist: Playlist) -> None:
        for one in playlist.segments:
            if int(one.duration + 0.5) > playlist.target:
                self._say("4.4.3.1", f"segment {one.number} lasts {one.duration} s")
            if one.duration <= 0:
                self._say("4.4.4.1", f"segment {one.number} lasts nothing")
        for one in playlist.all:
            for index, part in enumerate(one.parts):
                if part.duration > playlist.part_target + ROUNDING:
                    self._say("4.4.4.9", f"{part.uri} lasts {part.duration} s, more than a part")
                is_last = one.duration and index == len(one.parts) - 1
                is_newest = not one.duration and index == len(one.parts) - 1
                if part.duration < 0.85 * playlist.part_target - ROUNDING and not (
                    is_last or is_newest
                ):
                    self._say("4.4.4.9", f"{part.uri} lasts {part.duration} s, less than 85 %")
        if "EXT-X-INDEPENDENT-SEGMENTS" in playlist.tags:
            for one in playlist.all:
                if one.parts and not one.parts[0].is_independent:
                    self._say("4.4.2.1", f"segment {one.number} is not independent")

    def _dates(self, playlist: Playlist) -> None:
        for one, after in zip(playlist.all, playlist.all[1:], strict=False):
            if one.date is None or after.date is None:
                self._say("4.4.4.6", f"segment {after.number} has no date")
                continue
            apart = after.date - one.date - one.duration
            if after.is_discontinuity:
                if apart < -MILLISECONDS:
                    self._say("4.4.4.6", f"segment {after.number} is dated before the last's end")
            elif abs(apart) > DRIFT * one.duration + MILLISECONDS:
                self._say("4.4.4.6", f"segment {after.number} is dated {apart:.3f} s off")

    def _parts(self, playlist: Playlist) -> None:
        if playlist.hint and any(
            part.uri == playlist.hint for one in playlist.all for part in one.parts
        ):
            self._say("4.4.5.3", f"{playlist.hint} is hinted although it is there")
        if playlist.is_ended:
            if playlist.hint or playlist.open:
                self._say("4.4.3.4", "an ended playlist has something to come")
            return
        # Parts are told of for three target durations from the end, and not for long after.
        left = 3.0 * playlist.target
        for one in reversed(playlist.all):
            known = self._published.get(one.number)
            if left > MILLISECONDS and known is not None and known.parts and not one.parts:
                self._say("4.4.4.9", f"segment {one.number} lost its parts too early")
            left -= one.length
            if left < -3.0 * playlist.target and one.parts:
                self._say("4.4.4.9", f"segment {one.number} still has parts")

    def _change(self, before: Playlist, now: Playlist) -> None:
        for tag in ("EXT-X-TARGETDURATION", "EXT-X-PART-INF", "EXT-X-SERVER-CONTROL"):
            if before.tags.get(tag) != now.tags.get(tag):
                self._say("6.2.1", f"{tag} changed")
        if before.is_ended and now.text != before.text:
            self._say("4.4.3.4", "an ended playlist changed")
        if now.first < before.first or now.last < before.last:
            self._say("6.2.1", f"the playlist went back to {now.first}")
        removed = [one for one in before.all if one.number < now.first]
        moved = int(now.tags.get("EXT-X-DISCONTINUITY-SEQUENCE", "0")) - int(
            before.tags.get("EXT-X-DISCONTINUITY-SEQUENCE", "0")
        )
        if moved != sum(one.is_discontinuity for one in removed):
            self._say("4.4.3.3", f"the discontinuity sequence moved by {moved}")
        if removed and sum(one.duration for one in now.segments) < 3 * now.target:
            self._say("6.2.2", "segments went although the rest is shorter than three targets")
        for one in now.all:
            self._compare(one)
        self._hint(before, now)

    def _compare(self, one: Segment) -> None:
        """A segment that was published stays as it is; one that was open only grows."""
        known = self._published.get(one.number)
        if known is None:
            return
        if (known.date, known.map, known.is_discontinuity) != (
            one.date,
            one.map,
            one.is_discontinuity,
        ):
            self._say("6.2.1", f"segment {one.number} is told of otherwise")
        if known.duration and (known.uri, known.duration) != (one.uri, one.duration):
            self._say("6.2.1", f"segment {one.number} changed")
        if one.parts and known.parts and one.parts[: len(known.parts)] != known.parts:
            self._say("6.2.1", f"parts of segment {one.number} changed")
        if known.duration and len(one.parts) > len(known.parts) > 0:
            self._say("6.2.1", f"segment {one.number} got parts after it was whole")

    def _hint(self, before: Playlist, now: Playlist) -> None:
        known = {part.uri for one in self._published.values() for part in one.parts}
        new = [part.uri for one in now.all for part in one.parts if part.uri not in known]
        self.parts_seen += len(new)
        if new and before.hint and new[0] != before.hint:
            self._say("4.4.5.3", f"{before.hint} was hinted and {new[0]} came")

    def _delta(self, full: Playlist, delta: Playlist) -> None:
        if not delta.skipped:
            if delta.text != full.text:
                self._say("6.2.5.1", "without EXT-X-SKIP, an update is the playlist")
            return
        if int(delta.tags.get("EXT-X-VERSION", "1")) < 9:
            self._say("8", "EXT-X-SKIP needs version 9")
        kept = full.all[delta.skipped :]
        for one in delta.all:
            # The last EXT-X-MAP that was skipped holds on.
            one.map = one.map or full.all[delta.skipped - 1].map
        if delta.all != kept or delta.hint != full.hint or delta.is_ended != full.is_ended:
            self._say("6.2.5.1", "the update and what was skipped are not the playlist")
        boundary = float(full.control.get("CAN-SKIP-UNTIL", "0"))
        if sum(one.length for one in kept) < boundary - ROUNDING * len(kept):
            self._say("4.4.5.2", "segments were skipped within the skip boundary")
