"""The picture of the demo's show: bob in his studio, the pinned product, and what time it is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from liveshop.demo import clock
from liveshop.demo.drawing import studio
from liveshop.demo.drawing.style import COLOURS
from liveshop.demo.planes import Planes, Sprite, raster

FPS: Final = 25
_SLIDE_MS: Final = 700
_CARD: Final = (316, 424)
_CARD_AT: Final = (338, 448)
_HOST_AT: Final = (-4, 372)
_CLOCK_AT: Final = (84, 226)
_CLOCK: Final = (440, 60)
_MOUTHS: Final = ("smile", "half", "open")
# The room breathes: how far things move, and in how many milliseconds they come back.
_SWAY: Final = (10, 4200)


@dataclass(frozen=True)
class Product:
    """What is pinned: its name, and the file of its picture where it is one of our drawings."""

    title: str
    drawing: Path | None = None


def _wave(ms: int, period: int, shift: float = 0.0) -> float:
    return math.sin(2 * math.pi * ((ms % period) / period + shift))


class Studio:
    """Draws the frame of any instant; what it shows follows from the instant and the product."""

    def __init__(self, *, poster: str, width: int = studio.WIDTH) -> None:
        self.width = width & ~1
        self._scale = self.width / studio.WIDTH
        self.height = round(studio.HEIGHT * self._scale) & ~1
        theme = studio.THEMES.get(poster, studio.PLAIN)
        self._room = Planes.of(self._drawn(studio.room(theme), studio.WIDTH, studio.HEIGHT))
        self._table_at = self._px(790)
        table = self._raster(studio.table(theme), studio.WIDTH, studio.HEIGHT)
        self._table = Sprite.of(table.crop((0, self._table_at, self.width, self.height)))
        self._hosts = {
            (mouth, eyes_open): self._drawn(studio.host(eyes_open=eyes_open, mouth=mouth), 440, 560)
            for mouth in _MOUTHS
            for eyes_open in (True, False)
        }
        self._bulbs = [self._drawn(studio.bulb(is_bright=on), 48, 48) for on in (False, True)]
        self._steam = [self._drawn(studio.steam(lean), 100, 120) for lean in (-14, -6, 6, 14)]
        self._speck = self._drawn(studio.speck(), 24, 24)
        self._face = _ClockFace(self._scale)
        self._no_colour = Image.new(
            "L", (self.width // 2, clock.strip_height(self.height) // 2), 128
        )
        self._card: Sprite | None = None
        self._last_card: Sprite | None = None
        self._card_since = 0

    def show(self, card: Sprite | None, *, ms: int) -> None:
        """Let the card of another product (of `card()`) come in from this instant on."""
        self._last_card, self._card, self._card_since = self._card, card, ms

    def card(self, product: Product) -> Sprite:
        """Draw a product with its name; slow enough to be done beside the frames."""
        width, height = self._px(_CARD[0]), self._px(_CARD[1])
        big = Image.new("RGBA", (width, height))
        pen = ImageDraw.Draw(big)
        pen.rounded_rectangle((0, 0, width - 1, height - 1), self._px(22), fill=COLOURS["paper"])
        edge, side = self._px(16), self._px(284)
        svg = product.drawing.read_text("utf-8") if product.drawing else studio.parcel()
        big.paste(raster(svg, width=side, height=side), (edge, edge))
        font = ImageFont.load_default(round(30 * self._scale))
        lines = wrapped(product.title, font, width - 2 * edge)
        top, step = edge + side + self._px(18), self._px(38)
        top += step // 2 if len(lines) == 1 else 0
        for number, line in enumerate(lines):
            left = (width - font.getlength(line)) / 2
            pen.text((left, top + number * step), line, font=font, fill=COLOURS["ink"])
        return Sprite.of(big)

    def frame(self, ms: int) -> bytes:
        """Return the frame of an instant (Unix milliseconds) as yuv420p."""
        planes = self._room.copy()
        second = ms // 1000
        for number, (x, y) in enumerate(studio.bulbs()):
            is_bright = number == second % len(studio.bulbs())
            self._put(planes, self._bulbs[is_bright], x - 24, y - 24)
        self._put_specks(planes, ms)
        sway, period = _SWAY
        aside, up = 0.6 * sway * _wave(ms, 2 * period, 0.2), sway * _wave(ms, period)
        host = self._hosts[_mouth(ms), ms % 3700 > 140]
        self._put(planes, host, _HOST_AT[0] + aside, _HOST_AT[1] + up)
        planes.put(self._table, 0, self._table_at)
        steam = self._steam[round(1.5 + 1.5 * _wave(ms, 2400))]
        self._put(planes, steam, 88, 690 + 6 * _wave(ms, 3100))
        self._put_cards(planes, ms)
        self._face.put(planes, ms, x=self._px(_CLOCK_AT[0]), y=self._px(_CLOCK_AT[1]))
        self._put_strip(planes, ms)
        return planes.tobytes()

    def _put_specks(self, planes: Planes, ms: int) -> None:
        for number in range(6):
            period = 9000 + 1700 * number
            rise = ((ms + 2300 * number) % period) / period
            x = 60 + 110 * number + 30 * _wave(ms, 5000 + 700 * number)
            self._put(planes, self._speck, x, 850 - 560 * rise)

    def _put_cards(self, planes: Planes, ms: int) -> None:
        way = min(1.0, max(0.0, (ms - self._card_since) / _SLIDE_MS))
        eased = 1 - (1 - way) ** 3
        out = studio.WIDTH - _CARD_AT[0]
        x, y = _CARD_AT
        if self._last_card is not None and way < 1:
            self._put(planes, self._last_card, x + out * eased, y)
        if self._card is not None:
            y += round(4 * _wave(ms, 5200))
            self._put(planes, self._card, x + out * (1 - eased), y)

    def _put_strip(self, planes: Planes, ms: int) -> None:
        strip = clock.strip(ms, width=self.width, height=self.height)
        top = self.height - strip.height
        planes.light.paste(strip, (0, top))
        planes.blue.paste(self._no_colour, (0, top // 2))
        planes.red.paste(self._no_colour, (0, top // 2))

    def _put(self, planes: Planes, sprite: Sprite, x: float, y: float) -> None:
        planes.put(sprite, x * self._scale, y * self._scale)

    def _px(self, length: int) -> int:
        return round(length * self._scale / 2) * 2

    def _raster(self, svg: str, width: int, height: int) -> Image.Image:
        if (width, height) == (studio.WIDTH, studio.HEIGHT):
            return raster(svg, width=self.width, height=self.height)
        return raster(svg, width=self._px(width), height=self._px(height))

    def _drawn(self, svg: str, width: int, height: int) -> Sprite:
        return Sprite.of(self._raster(svg, width, height))


def _mouth(ms: int) -> str:
    """Let bob talk for some seconds, then smile for one or two."""
    if ms % 6400 > 4800:
        return "smile"
    slot = ms // 120
    return _MOUTHS[(slot * slot * 31 + slot * 17) // 7 % 3]


class _ClockFace:
    """The clock that people read: 12:34:56.789 UTC, of digits that are drawn once."""

    def __init__(self, scale: float) -> None:
        self._size = [round(length * scale / 2) * 2 for length in _CLOCK]
        font = ImageFont.load_default(round(44 * scale))
        ink, paper = COLOURS["ink"], COLOURS["paper"]
        height = self._size[1]
        middle = height / 2
        self._step = math.ceil(max(font.getlength(digit) for digit in "0123456789") / 2) * 2
        self._narrow = self._step // 4 * 2
        self._glyphs = {}
        for glyph in "0123456789:.":
            width = self._step if glyph.isdecimal() else self._narrow
            cell = Image.new("RGB", (width, height - 2 * round(4 * scale)), ink)
            pen = ImageDraw.Draw(cell)
            pen.text((width / 2, middle - 4 * scale), glyph, font=font, fill=paper, anchor="mm")
            self._glyphs[glyph] = Sprite.of(cell)
        self._inset = round(4 * scale)
        ground = Image.new("RGBA", (self._size[0], height))
        pen = ImageDraw.Draw(ground)
        corner = (0, 0, self._size[0] - 1, height - 1)
        pen.rounded_rectangle(corner, height // 2, fill=ink)
        digits = 9 * self._step + 3 * self._narrow
        small = ImageFont.load_default(round(28 * scale))
        gap = 14 * scale
        self._left = (self._size[0] - digits - gap - small.getlength("UTC")) / 2
        place = (self._left + digits + gap, middle)
        pen.text(place, "UTC", font=small, fill=COLOURS["gold"], anchor="lm")
        self._ground = Sprite.of(ground)

    def put(self, planes: Planes, ms: int, *, x: int, y: int) -> None:
        planes.put(self._ground, x, y)
        left = x + self._left
        for glyph in clock_text(ms):
            planes.put(self._glyphs[glyph], left, y + self._inset)
            left += self._step if glyph.isdecimal() else self._narrow


def clock_text(ms: int) -> str:
    at = datetime.fromtimestamp(ms // 1000, UTC)
    return f"{at:%H:%M:%S}.{ms % 1000:03d}"


def wrapped(
    text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int
) -> Sequence[str]:
    """Break a title into two lines at most; what does not fit ends in an ellipsis."""
    lines = [""]
    words = text.split()
    for number, word in enumerate(words):
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width or not lines[-1]:
            lines[-1] = longer
        elif len(lines) == 1:
            lines.append(word)
        else:
            lines[-1] = " ".join([lines[-1], *words[number:]])
            break
    return [_cut(line, font, width) for line in lines]


def _cut(line: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> str:
    if font.getlength(line) <= width:
        return line
    while line and font.getlength(line + "…") > width:
        line = line[:-1]
    return line.rstrip() + "…"
