"""The ffmpeg that turns what a publisher sends into fragmented MP4: its orders, and its limits.

It reads a pipe and writes pipes, opens no file and no connection, and ends when its input ends,
so it never outlives the origin.
"""

import asyncio
import contextlib
import os
import resource
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import imageio_ffmpeg

from creators.media.formats import LARGEST_HEAD, Content, Format

_DEMUXERS: Final[dict[Format, str]] = {"flv": "flv", "webm": "matroska", "mp4": "mov"}
# In effect a fragment per frame: nothing is held back, and the cutter makes parts of them.
_FRAGMENT_US: Final = 5000
# Sound that stays away (a microphone is unplugged) holds up the picture for so long, and no longer;
# 0 would mean for ever.
_APART_US: Final = 300_000
_LINES_KEPT: Final = 20
_MEMORY: Final = 1 << 30
_MEMORY_TRANSCODING: Final = 3 << 30
_FILES: Final = 64
# The smaller side of the picture is 480; smaller ones stay as they are.
_SCALE_480: Final = (
    "scale=w='if(gt(iw,ih),-2,2*trunc(min(480,iw)/2))':h='if(gt(iw,ih),2*trunc(min(480,ih)/2),-2)'"
)


@cache
def executable() -> str:
    path: str = imageio_ffmpeg.get_ffmpeg_exe()
    return path


def arguments(
    form: Format, content: Content, *, renditions: Sequence[str], pipes: Sequence[int]
) -> list[str]:
    """Return the arguments that write the source to stdout and each rendition to its pipe."""
    # The fast coder takes half of the other's time, which is most of what a camera costs here.
    made = ["-c:a", "aac", "-aac_coder", "fast", "-b:a", "128k"]
    sound = ["-c:a", "copy"] if content.audio == "aac" else made
    words = ["-hide_banner", "-nostdin", "-nostats", "-loglevel", "warning"]
    words += ["-protocol_whitelist", "pipe,fd", "-threads", "2"]
    # Little is looked at before the first output: the container has said what it holds. But all
    # that was said has to be seen: a picture that comes after a while of sound, for instance.
    analysed = 200_000 + 1000 * min(content.apart_ms, 15_000)
    words += ["-fflags", "+genpts", "-flags", "low_delay"]
    words += ["-probesize", str(2 * LARGEST_HEAD), "-analyzeduration", str(analysed)]
    words += ["-f", _DEMUXERS[form], "-i", "pipe:0"]
    words += ["-map", "0:v:0", "-map", "0:a:0?", "-c:v", "copy", *sound, *_fragments("pipe:1")]
    for name, pipe in zip(renditions, pipes, strict=True):
        if name == "480p":
            words += ["-map", "0:v:0", "-map", "0:a:0?", "-vf", _SCALE_480]
            words += ["-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency"]
            words += ["-pix_fmt", "yuv420p", "-b:v", "1000k", "-maxrate", "1200k"]
            # Key frames where the source has them: viewers can change between the two there.
            words += ["-bufsize", "1200k", "-force_key_frames", "source", "-g", "600"]
            words += ["-sc_threshold", "0", "-fps_mode", "passthrough", *sound]
        else:
            words += ["-map", "0:a:0", "-vn", "-c:a", "aac", "-b:a", "64k"]
        words += _fragments(f"pipe:{pipe}")
    return words


def _fragments(target: str) -> list[str]:
    words = ["-map_metadata", "-1", "-f", "mp4", "-flush_packets", "1"]
    words += ["-movflags", "+empty_moov+default_base_moof+frag_keyframe"]
    words += ["-frag_duration", str(_FRAGMENT_US), "-max_interleave_delta", str(_APART_US)]
    return [*words, target]


@dataclass
class Ffmpeg:
    """A running ffmpeg; `outputs` are the source's stream and those of the renditions."""

    process: asyncio.subprocess.Process
    outputs: list[asyncio.StreamReader]
    # Its last words, for the log.
    lines: deque[str]
    _transports: list[asyncio.BaseTransport]
    _listener: asyncio.Task[None]

    @classmethod
    async def start(
        cls, form: Format, content: Content, *, renditions: Sequence[str], minutes: int
    ) -> "Ffmpeg":
        """Start one for a publisher, within limits of memory and, for `minutes`, of CPU time."""
        ends: list[tuple[int, int]] = [os.pipe() for _ in renditions]
        try:
            process = await asyncio.create_subprocess_exec(
                executable(),
                *arguments(form, content, renditions=renditions, pipes=[w for _, w in ends]),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                pass_fds=[w for _, w in ends],
                # Signals of the terminal are the origin's: it ends this one in its own way.
                start_new_session=True,
            )
        except BaseException:
            for end, _ in ends:
                os.close(end)
            raise
        finally:
            for _, end in ends:
                os.close(end)
        limit(process.pid, is_transcoding="480p" in renditions, minutes=minutes)
        if process.stdout is None:
            raise RuntimeError("ffmpeg has no output")
        outputs = [process.stdout]
        transports: list[asyncio.BaseTransport] = []
        loop = asyncio.get_running_loop()
        for end, _ in ends:
            reader = asyncio.StreamReader(limit=1 << 18)
            transport, _protocol = await loop.connect_read_pipe(
                lambda reader=reader: asyncio.StreamReaderProtocol(reader),  # type: ignore[misc]
                os.fdopen(end, "rb", buffering=0),
            )
            outputs.append(reader)
            transports.append(transport)
        lines: deque[str] = deque(maxlen=_LINES_KEPT)
        listener = asyncio.create_task(_listen(process, lines))
        return cls(process, outputs, lines, transports, listener)

    async def write(self, data: bytes) -> None:
        """Hand it bytes; waits while it is busy.

        :raises ConnectionError: it has ended
        """
        stdin = self.process.stdin
        if stdin is None or stdin.is_closing():
            raise ConnectionResetError
        stdin.write(data)
        await stdin.drain()

    def finish(self) -> None:
        """Say that there is no more: it writes what it has, and ends."""
        if self.process.stdin is not None:
            with contextlib.suppress(ConnectionError, RuntimeError):
                self.process.stdin.close()

    async def end(self, *, patience: float) -> None:
        """Wait for its end, and end it when that takes too long."""
        try:
            await asyncio.wait_for(self.process.wait(), patience)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()
        for transport in self._transports:
            transport.close()
        self._listener.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._listener


def limit(pid: int, *, is_transcoding: bool, minutes: int) -> None:
    """Bound what a process may use: memory, CPU time, open files; it may write no file at all."""
    memory = _MEMORY_TRANSCODING if is_transcoding else _MEMORY
    cpu_seconds = minutes * 60 * (4 if is_transcoding else 1)
    with contextlib.suppress(ProcessLookupError):
        resource.prlimit(pid, resource.RLIMIT_AS, (memory, memory))
        resource.prlimit(pid, resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, 0))
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (_FILES, _FILES))
        if is_transcoding:
            # Copying is next to nothing and must be in time; this one gives way to the site.
            os.setpriority(os.PRIO_PROCESS, pid, 5)


async def _listen(process: asyncio.subprocess.Process, lines: deque[str]) -> None:
    stderr = process.stderr
    while stderr is not None:
        try:
            line = await stderr.readline()
        except ValueError:  # a line without an end
            continue
        if not line:
            return
        lines.append(line.decode(errors="replace").rstrip()[:300])
