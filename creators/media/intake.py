"""One publisher's way in: its bytes go through ffmpeg and the cutters onto its stream's tracks."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from creators.media.ffmpeg import Ffmpeg
from creators.media.formats import Content, Format, recognise
from creators.media.hls.cutter import Broken, Cutter, Fragment, Init
from creators.media.hls.track import Track
from creators.media.meter import LONG_KEY_INTERVAL_S, Meter
from creators.media.publishing import Refusal

log = logging.getLogger(__name__)

# From the publisher's coming to its first picture.
PICTURE_WITHIN_S: Final = 15
# What ffmpeg may take to write its last pictures, once there is no more for it.
FINISH_WITHIN_S: Final = 1.5
# A camera that says that its picture took longer than that is not believed.
MOST_CAPTURE_LAG_S: Final = 3.0
# Bytes without an end are no fragment: at 4K, a key frame is far smaller.
LARGEST_BOX: Final = 16 << 20
_READ: Final = 1 << 16
_SHORT_HEAD: Final = 1 << 16
SOURCE: Final = "source"


@dataclass(frozen=True)
class Limits:
    """What a publisher may send."""

    kbps: int
    pixels: int
    minutes: int


class PictureIntake:
    """Takes a publisher's container until it goes, is cut off, or sends what can't be read.

    :param on_picture: called once, when the first picture of this run can be watched
    :param on_end: called once, when all that came is on the tracks; with why it was cut off
    """

    def __init__(
        self,
        *,
        stream_id: UUID,
        run: int,
        source: str,
        form: Format,
        tracks: Mapping[str, Track],
        limits: Limits,
        on_picture: "Callable[[PictureIntake], None]",
        on_end: "Callable[[PictureIntake, Refusal | None], None]",
        key_rev: int | None = None,
    ) -> None:
        self.ended: asyncio.Future[Refusal | None] = asyncio.get_running_loop().create_future()
        self.stream_id = stream_id
        self.run = run
        # Of the key that it came by; None when it came by another way.
        self.key_rev = key_rev
        self.source = source
        self.since = datetime.now(UTC)
        self.limits = limits
        self.meter = Meter(max_kbps=limits.kbps, at=time.monotonic())
        self.is_shown = False
        self.init: Init | None = None
        self.content: Content | None = None
        self._began = time.monotonic()
        self._form: Format = form
        self._tracks = tracks
        self._on_picture = on_picture
        self._on_end = on_end
        self._head = bytearray()
        # How long it has to be to be looked at again.
        self._look_at = 0
        self._ffmpeg: Ffmpeg | None = None
        self._pumps: list[asyncio.Task[None]] = []
        self._ending: asyncio.Task[None] | None = None
        self._captured_at: float | None = None
        # The least of (arrival - media time) in this run, in Unix seconds.
        self._least_offset: float | None = None

    # Intake ------------------------------------------------------------------------------------

    async def write(self, data: bytes) -> None:
        """Take bytes of the container; waits while ffmpeg is busy.

        :raises Refusal: it has ended
        """
        self._check()
        self.meter.took(len(data), at=time.monotonic())
        try:
            if self._ffmpeg is None:
                await self._begin(data)
            else:
                await self._ffmpeg.write(data)
        except Refusal as refusal:
            self.end(refusal)
            raise
        except (ConnectionError, RuntimeError, OSError):
            # ffmpeg has given up; its end is noticed by the pump, too.
            self.end(Refusal("broken_stream"))
            self._check()

    async def close(self, why: Refusal | None = None) -> None:
        """Put on the tracks what has come, and end."""
        self.end(why)
        await self.over()

    def note_capture(self, at: float) -> None:
        """Take note of when time 0 of the container was captured, by our clock."""
        self._captured_at = at

    # Of the origin -----------------------------------------------------------------------------

    @property
    def is_ending(self) -> bool:
        return self._ending is not None

    def end(self, why: Refusal | None) -> None:
        """End it, once: what has come is still put on the tracks."""
        if self._ending is None:
            if why is not None:
                log.info("stream %s run %d is cut off: %s", self.stream_id, self.run, why.code)
            # At once: who waits for it is not to wait for ffmpeg's end.
            self.ended.set_result(why)
            self._ending = asyncio.create_task(self._finish(why))

    async def over(self) -> None:
        """Wait until it has ended wholly."""
        if self._ending is not None:
            await asyncio.shield(self._ending)

    def look(self) -> None:
        """Judge it by its limits; to be called about once a second."""
        at = time.monotonic()
        if self.is_ending:
            return
        if self.meter.must_be_cut(at=at):
            self.end(Refusal("too_many_bits"))
        elif at - self._began > self.limits.minutes * 60:
            self.end(Refusal("too_long"))
        elif self.init is None and self.meter.total_bytes and at - self._began > PICTURE_WITHIN_S:
            self.end(Refusal("no_video"))

    def health(self) -> dict[str, Any]:
        """Return its figures, plain JSON; `warnings` are words that the console knows."""
        at = time.monotonic()
        meter, init, content = self.meter, self.init, self.content
        warnings = []
        if meter.is_above(at=at):
            warnings.append("bitrate")
        if meter.key_interval_s is not None and meter.key_interval_s > LONG_KEY_INTERVAL_S:
            warnings.append("key_interval")
        if meter.last_picture is not None and at - meter.last_picture > 2:
            warnings.append("stalled")
        if content is not None and not content.audio:
            warnings.append("silent")
        return {
            "run": self.run,
            "source": self.source,
            "since": self.since.isoformat(timespec="milliseconds"),
            "kbps": meter.kbps(at=at),
            "fps": meter.fps(at=at),
            "frames": meter.total_frames,
            "dropped": meter.dropped,
            "late_ms": meter.late_ms,
            "key_interval_s": meter.key_interval_s,
            "width": init.width if init else 0,
            "height": init.height if init else 0,
            "codecs": init.codecs if init else "",
            "video": content.video if content else "",
            "audio": content.audio if content else "",
            "warnings": warnings,
            "limits": {
                "kbps": self.limits.kbps,
                "pixels": self.limits.pixels,
                "minutes": self.limits.minutes,
            },
        }

    # Inside ------------------------------------------------------------------------------------

    def _check(self) -> None:
        if self.ended.done():
            raise self.ended.result() or Refusal("show_over")

    async def _begin(self, data: bytes) -> None:
        self._head += data
        if len(self._head) < self._look_at:
            return
        # A long one, in small pieces, is not read from its beginning at each of them.
        self._look_at = len(self._head) * 9 // 8 if len(self._head) > _SHORT_HEAD else 0
        content = recognise(self._form, bytes(self._head))
        if content is None:
            return
        content.check()
        self.content = content
        renditions = [name for name in self._tracks if name != SOURCE]
        if not content.audio:
            renditions = [name for name in renditions if name != "audio"]
        head, self._head = bytes(self._head), bytearray()
        ffmpeg = await Ffmpeg.start(
            self._form, content, renditions=renditions, minutes=self.limits.minutes
        )
        self._ffmpeg = ffmpeg
        for name, output in zip([SOURCE, *renditions], ffmpeg.outputs, strict=True):
            self._pumps.append(asyncio.create_task(self._pump(output, self._tracks[name])))
        if self.is_ending:  # while it started
            ffmpeg.finish()
            return
        await ffmpeg.write(head)

    async def _pump(self, output: asyncio.StreamReader, track: Track) -> None:
        """Put what ffmpeg writes on a track, until it writes no more."""
        cutter = Cutter(largest_box=LARGEST_BOX)
        try:
            while data := await output.read(_READ):
                self._put(cutter.feed(data), track)
        except Broken as error:
            log.warning("stream %s: ffmpeg's output can't be cut: %s", self.stream_id, error)
            self.end(Refusal("broken_stream"))
        except Refusal as refusal:
            self.end(refusal)
        except Exception:
            log.exception("stream %s: the picture can't be served", self.stream_id)
            self.end(Refusal("unavailable"))
        # At the end of its input, too: then this is the last word, else ffmpeg has given up.
        self.end(Refusal("broken_stream"))

    def _put(self, things: Sequence[Init | Fragment], track: Track) -> None:
        is_source = track.name == SOURCE
        for thing in things:
            if isinstance(thing, Init):
                if is_source:
                    if thing.width * thing.height > self.limits.pixels:
                        raise Refusal("too_large")
                    self.init = thing
                track.begin_run(self.run, thing)
                continue
            track.add(thing, at=self._taken_at(thing))
            if is_source:
                self.meter.saw(
                    start=thing.start,
                    duration=thing.duration,
                    frames=thing.frames,
                    is_key=thing.is_independent,
                    at=time.monotonic(),
                )
        if is_source and not self.is_shown and self.init is not None and track.is_published:
            self.is_shown = True
            self._on_picture(self)

    def _taken_at(self, fragment: Fragment) -> float:
        """Return when a fragment's end was taken: when it arrived, but for a camera that says when.

        Encoders say nothing of what they and the network take; a browser does, by `note_capture`.
        """
        at = time.time()
        if not fragment.frames:
            return at
        offset = at - fragment.start - fragment.duration
        least = self._least_offset
        self._least_offset = least = offset if least is None else min(least, offset)
        if self._captured_at is None:
            return at
        return at - min(max(least - self._captured_at, 0.0), MOST_CAPTURE_LAG_S)

    async def _finish(self, why: Refusal | None) -> None:
        ffmpeg = self._ffmpeg
        try:
            if ffmpeg is not None:
                ffmpeg.finish()
                if self._pumps:
                    await asyncio.wait(self._pumps, timeout=FINISH_WITHIN_S)
                await ffmpeg.end(patience=0.2)
                for pump in self._pumps:
                    pump.cancel()
                if why is not None and why.code == "broken_stream" and ffmpeg.lines:
                    log.warning(
                        "stream %s: ffmpeg ended: %s", self.stream_id, " | ".join(ffmpeg.lines)
                    )
        finally:
            for track in self._tracks.values():
                if track.run == self.run:
                    track.end_run()
            self._on_end(self, why)
