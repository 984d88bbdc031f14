"""ffmpeg as the demo uses it: frames and sound go in by pipes, RTMP or a file comes out."""

import contextlib
import fcntl
import os
import subprocess
from types import TracebackType
from typing import IO, Final, Self

import imageio_ffmpeg

from liveshop.demo.picture import FPS, Studio
from liveshop.demo.sound import RATE

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


def rtmp_output(url: str, key: str) -> list[str]:
    """Return ffmpeg's options to publish by a stream key, which its messages do not name then."""
    flv = ["-f", "flv", "-flvflags", "no_duration_filesize", "-rw_timeout", "8000000"]
    return [*flv, "-rtmp_playpath", key, url]


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
