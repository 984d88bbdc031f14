"""Pictures as an encoder takes them: one plane of light and two of colour at half the size.

A frame is put together in these planes, so that nothing is converted while a show is on.
"""

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import imageio_ffmpeg
from PIL import Image

# From full range to BT.601's limited one.
_LIGHT: Final = [round(16 + value * 219 / 255) for value in range(256)]
_COLOUR: Final = [round(128 + (value - 128) * 224 / 255) for value in range(256)]


def raster(svg: str, *, width: int, height: int) -> Image.Image:
    """Draw an SVG at a size, by ffmpeg's renderer.

    :raises subprocess.SubprocessError: ffmpeg can't
    """
    with tempfile.TemporaryDirectory(prefix="liveshop-svg-") as folder:
        path = Path(folder, "picture.svg")
        path.write_text(svg, encoding="utf-8")
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-hide_banner", "-v", "error"]
        command += ["-width", str(width), "-height", str(height), "-keep_ar", "0"]
        command += ["-f", "svg_pipe", "-i", path.as_posix()]
        command += ["-f", "rawvideo", "-pix_fmt", "rgba", "-"]
        pixels = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=20).stdout
    # What it writes is multiplied by its alpha already ("a" of RGBa).
    return Image.frombytes("RGBa", (width, height), pixels).convert("RGBA")


def _even(size: tuple[int, int]) -> tuple[int, int]:
    return (size[0] + 1 & ~1, size[1] + 1 & ~1)


@dataclass(frozen=True)
class Sprite:
    """A picture that can be put into planes; `where` is None when it hides all below it."""

    light: Image.Image
    blue: Image.Image
    red: Image.Image
    where: Image.Image | None
    where_half: Image.Image | None

    @classmethod
    def of(cls, picture: Image.Image) -> Self:
        """Make it of a picture in RGB or RGBA."""
        size = _even(picture.size)
        rgba = Image.new("RGBA", size)
        rgba.paste(picture)
        alpha = rgba.getchannel("A")
        light, blue, red = rgba.convert("RGB").convert("YCbCr").split()
        is_whole = alpha.getextrema() == (255, 255)
        return cls(
            light=light.point(_LIGHT),
            blue=blue.reduce(2).point(_COLOUR),
            red=red.reduce(2).point(_COLOUR),
            where=None if is_whole else alpha,
            where_half=None if is_whole else alpha.reduce(2),
        )


class Planes:
    """A frame that is being put together."""

    def __init__(self, light: Image.Image, blue: Image.Image, red: Image.Image) -> None:
        self.light, self.blue, self.red = light, blue, red

    @classmethod
    def of(cls, sprite: Sprite) -> Self:
        return cls(sprite.light.copy(), sprite.blue.copy(), sprite.red.copy())

    def copy(self) -> "Planes":
        return Planes(self.light.copy(), self.blue.copy(), self.red.copy())

    def put(self, sprite: Sprite, x: float, y: float) -> None:
        """Put a sprite at the nearest place where its colours fall on whole pixels."""
        at = (round(x / 2) * 2, round(y / 2) * 2)
        half = (at[0] // 2, at[1] // 2)
        self.light.paste(sprite.light, at, sprite.where)
        self.blue.paste(sprite.blue, half, sprite.where_half)
        self.red.paste(sprite.red, half, sprite.where_half)

    def tobytes(self) -> bytes:
        """Return the frame as yuv420p."""
        return self.light.tobytes() + self.blue.tobytes() + self.red.tobytes()
