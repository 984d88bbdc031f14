"""Bob's camera while nobody is at it: sends the studio's picture and sound over RTMP by ffmpeg."""

import contextlib
import fcntl
import logging
import os
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import IO, Final, Self
from uuid import UUID

import imageio_ffmpeg
from django.db import DatabaseError, close_old_connections

from liveshop.demo.airtime import Airtime, OnAir
from liveshop.demo.picture import FPS, Product, Studio
from liveshop.demo.planes import Sprite
from liveshop.demo.sound import RATE, Loop

log = logging.getLogger("liveshop.camera")
LOOK_SECONDS: Final = 0.5
# Further behind than that, beginning anew is better than catching up.
LATEST_SECONDS: Final = 3.0
STUCK_SECONDS: Final = 10.0
LONGEST_PAUSE: Final = 10.0
_PIPE_BYTES: Final = 1024 * 1024
_F_SETPIPE_SZ: Final = 1031


class Fell(Exception):
    """The way to the origin broke; the camera begins anew."""


def encoding(fps: int) -> list[str]:
    """Return ffmpeg's options for the demo's picture and sound: cheap, a key frame a second."""
    video = ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-threads", "1"]
    video += ["-g", str(fps), "-keyint_min", str(fps), "-sc_threshold", "0"]
    video += ["-crf", "26", "-maxrate", "2500k", "-bufsize", "2500k", "-pix_fmt", "yuv420p"]
    video += ["-colorspace", "smpte170m", "-color_primaries", "smpte170m"]
    video += ["-color_trc", "smpte170m", "-color_range", "tv"]
    return [*video, "-c:a", "aac", "-b:a", "64k"]


def inputs(studio: Studio, fps: int, sound_fd: int) -> list[str]:
    """Return ffmpeg's options to read frames from its standard input and sound from a pipe."""
    size = f"{studio.width}x{studio.height}"
    video = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-video_size", size, "-framerate", str(fps)]
    audio = ["-f", "s16le", "-ar", str(RATE), "-ac", "1"]
    return [*video, "-i", "pipe:0", *audio, "-i", f"pipe:{sound_fd}"]


class Encoder:
    """ffmpeg with a pipe for frames and one for sound; a context manager that ends it."""

    def __init__(self, studio: Studio, output: list[str], *, fps: int = FPS) -> None:
        read_end, self._sound = os.pipe()
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-v", "error"]
        command += [*inputs(studio, fps, read_end), *encoding(fps), *output]
        try:
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[read_end])
        finally:
            os.close(read_end)
        assert self._process.stdin is not None  # noqa: S101  # for mypy
        self._frames: IO[bytes] = self._process.stdin
        with contextlib.suppress(OSError):
            fcntl.fcntl(self._frames, _F_SETPIPE_SZ, _PIPE_BYTES)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        os.close(self._sound)
        with contextlib.suppress(OSError):
            self._frames.close()
        try:
            # In good order it says goodbye to the server.
            self._process.wait(20 if kind is None else 1)
        except subprocess.TimeoutExpired:
            self.kill()
            self._process.wait()

    def kill(self) -> None:
        self._process.kill()

    def write(self, frame: bytes, sound: bytes) -> None:
        """Take one frame and what sounds meanwhile.

        :raises Fell: ffmpeg has ended
        """
        try:
            _write_all(self._sound, sound)
            self._frames.write(frame)
        except OSError as error:
            raise Fell(f"ffmpeg ended: {error}") from error


def _write_all(fd: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]


@dataclass(frozen=True)
class Scene:
    """What is to be sent now, ready to be drawn."""

    stream_id: UUID
    studio: Studio
    product: Product | None
    card: Sprite | None


class Watch(threading.Thread):
    """Looks at the show beside the frames, so that no frame waits for the database."""

    def __init__(self, airtime: Airtime, *, width: int) -> None:
        super().__init__(name="watch", daemon=True)
        self.scene: Scene | None = None
        self.is_sending = False
        # Called when no frame was finished for long.
        self.when_stuck: Callable[[], None] | None = None
        self.last_frame_at = time.monotonic()
        self._airtime = airtime
        self._width = width
        self._poster: str | None = None

    def run(self) -> None:
        while True:
            try:
                close_old_connections()
                on_air = self._airtime.look(now=datetime.now(UTC), is_sending=self.is_sending)
                self.scene = self._staged(on_air)
            except DatabaseError as error:
                # What is on goes on.
                log.info("the database does not answer: %s", error)
            except (OSError, subprocess.SubprocessError) as error:
                log.warning("the picture could not be drawn: %s", error)
            when_stuck = self.when_stuck
            if when_stuck and time.monotonic() - self.last_frame_at > STUCK_SECONDS:
                log.warning("ffmpeg takes nothing any more")
                when_stuck()
            time.sleep(LOOK_SECONDS)

    def _staged(self, on_air: OnAir | None) -> Scene | None:
        if on_air is None:
            return None
        before = self.scene
        studio = before.studio if before and self._poster == on_air.poster else None
        if studio is None:
            studio, before = Studio(poster=on_air.poster, width=self._width), None
            self._poster = on_air.poster
        if before and before.product == on_air.product and before.stream_id == on_air.stream_id:
            return before
        card = studio.card(on_air.product) if on_air.product else None
        return Scene(on_air.stream_id, studio, on_air.product, card)


class Camera:
    """Sends whenever it may, until `stop()`."""

    def __init__(self, *, watch: Watch, rtmp_url: str, key: str) -> None:
        self._watch = watch
        self._output = ["-f", "flv", "-flvflags", "no_duration_filesize"]
        self._output += ["-rw_timeout", "8000000", f"{rtmp_url.rstrip('/')}/{key}"]
        self._loop = Loop()
        self._is_stopping = threading.Event()

    def stop(self) -> None:
        self._is_stopping.set()

    def run(self) -> None:
        self._watch.start()
        falls = 0
        while not self._is_stopping.is_set():
            scene = self._watch.scene
            if scene is None:
                self._is_stopping.wait(LOOK_SECONDS)
                continue
            began = time.monotonic()
            try:
                self._broadcast(scene)
                falls = 0
            except Fell as error:
                falls = 1 if time.monotonic() - began > LONGEST_PAUSE else falls + 1
                pause = min(2.0 ** (falls - 1), LONGEST_PAUSE)
                log.info("%s; again in %.0f s", error, pause)
                self._is_stopping.wait(pause)

    def _broadcast(self, scene: Scene) -> None:
        """Send until the scene is over.

        :raises Fell: the way to the origin broke
        """
        log.info("sending to %s", scene.stream_id)
        with Encoder(scene.studio, self._output) as encoder:
            self._watch.last_frame_at = time.monotonic()
            self._watch.is_sending, self._watch.when_stuck = True, encoder.kill
            try:
                self._film(scene, encoder)
            finally:
                self._watch.is_sending, self._watch.when_stuck = False, None
        log.info("stopped sending to %s", scene.stream_id)

    def _film(self, scene: Scene, encoder: Encoder) -> None:
        began, began_ms = time.monotonic(), round(time.time() * 1000)
        card: Sprite | None = None
        samples = RATE // FPS
        number = 0
        while not self._is_stopping.is_set():
            latest = self._watch.scene
            if latest is None or (latest.stream_id, latest.studio) != (
                scene.stream_id,
                scene.studio,
            ):
                return
            late = time.monotonic() - began - number / FPS
            if late < 0:
                time.sleep(-late)
            elif late > LATEST_SECONDS:
                raise Fell("the machine was too busy")
            ms = round(time.time() * 1000 - max(0.0, late) * 1000)
            if latest.card is not card:
                card = latest.card
                scene.studio.show(card, ms=ms)
            sound = self._loop.part(began_ms, skip=number * samples, samples=samples)
            encoder.write(scene.studio.frame(ms), sound)
            self._watch.last_frame_at = time.monotonic()
            number += 1
