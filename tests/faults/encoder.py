"""An encoder for tests: a short clip, sent again and again over RTMP by ffmpeg."""

import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import imageio_ffmpeg

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()


def make_clip(
    path: Path, *, source: str = "testsrc2", size: str = "192x108", fps: int = 20, seconds: int = 4
) -> Path:
    """Write an FLV with a key frame each second, and a tone."""
    picture = f"{source}=size={size}:rate={fps}:duration={seconds}"
    tone = f"sine=frequency=440:sample_rate=48000:duration={seconds}"
    words = ["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", tone, "-pix_fmt", "yuv420p"]
    words += ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", str(fps)]
    words += ["-c:a", "aac", "-b:a", "64k", "-f", "flv", "-y", str(path)]
    subprocess.run([FFMPEG, "-loglevel", "error", *words], check=True, stdin=subprocess.DEVNULL)
    return path


@dataclass
class Encoder:
    """Sends a clip to an address until it is stopped."""

    clip: Path
    process: subprocess.Popen[bytes] = field(init=False)
    said: str | None = None

    def start(self, url: str) -> "Encoder":
        words = ["-re", "-stream_loop", "-1", "-i", str(self.clip), "-c", "copy"]
        self.process = subprocess.Popen(
            [FFMPEG, "-nostdin", "-loglevel", "error", *words, "-f", "flv", url],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        return self

    @property
    def has_ended(self) -> bool:
        return self.process.poll() is not None

    def stop(self) -> str:
        """End it without a word to the server; returns what it had to say."""
        if self.said is None:
            self.process.kill()
            self.said = self.process.communicate(timeout=5)[1].decode(errors="replace")
        return self.said
