"""A clock that machines read out of a picture: how far behind a viewer is can then be measured.

A strip along the lower edge, 1/40 of the picture high, holds two rows of 26 cells. The first and
the last column are references (white over black, black over white); the 48 cells between them are
bits, the upper row's first, the most significant first: 40 bits of Unix time in milliseconds
(modulo 2⁴⁰) and a CRC-8 (polynomial 0x07) over them. Cells are read at their middle, so the picture
may have been scaled and compressed. `benchmarks/clock.js` is the same in a browser.
"""

from typing import Final

from PIL import Image

COLUMNS: Final = 26
ROWS: Final = 2
HEIGHTS: Final = 40
TIME_BITS: Final = 40
CHECK_BITS: Final = 8
# Luma, limited range: ink and paper rather than the extremes.
BLACK: Final = 30
WHITE: Final = 225
# Less contrast than that between the references is no strip.
LEAST_CONTRAST: Final = 60


def _crc(value: int) -> int:
    """Return the CRC-8 of 40 bits."""
    crc = 0
    for byte in value.to_bytes(TIME_BITS // 8, "big"):
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ (0x07 if crc & 0x80 else 0)) & 0xFF
    return crc


def cells(ms: int) -> tuple[tuple[bool, ...], tuple[bool, ...]]:
    """Return both rows of cells for an instant in Unix milliseconds; True is white."""
    time = ms % (1 << TIME_BITS)
    word = time << CHECK_BITS | _crc(time)
    bits = [bool(word >> shift & 1) for shift in range(TIME_BITS + CHECK_BITS - 1, -1, -1)]
    half = len(bits) // 2
    return (True, *bits[:half], False), (False, *bits[half:], True)


def strip_height(height: int) -> int:
    """Return how many lines of a picture the strip takes: an even number."""
    return height // HEIGHTS & ~1


def strip(ms: int, *, width: int, height: int) -> Image.Image:
    """Draw the strip of a picture of this size, as luma."""
    upper, lower = cells(ms)
    small = Image.new("L", (COLUMNS, ROWS))
    small.putdata([WHITE if cell else BLACK for cell in (*upper, *lower)])
    return small.resize((width, strip_height(height)), Image.Resampling.NEAREST)


def read(luma: Image.Image, *, near: int) -> int | None:
    """Return the Unix milliseconds in a picture's strip; None when it can't be read.

    :param near: any instant within some years of it, for what the 40 bits leave open
    """
    width, height = luma.size
    edge = strip_height(height)

    def cell(column: int, row: int) -> float:
        x, y = (column + 0.5) * width / COLUMNS, height - edge + (row + 0.5) * edge / ROWS
        reach_x, reach_y = max(1, width // COLUMNS // 4), max(1, edge // ROWS // 4)
        area = (int(x) - reach_x, int(y) - reach_y, int(x) + reach_x, int(y) + reach_y)
        pixels = list(luma.crop(area).tobytes())
        return sum(pixels) / len(pixels)

    last = COLUMNS - 1
    light = (cell(0, 0) + cell(last, 1)) / 2
    dark = (cell(0, 1) + cell(last, 0)) / 2
    if light - dark < LEAST_CONTRAST:
        return None
    middle = (light + dark) / 2
    word = 0
    for row in range(ROWS):
        for column in range(1, last):
            word = word << 1 | (cell(column, row) > middle)
    time, check = word >> CHECK_BITS, word & 0xFF
    if _crc(time) != check:
        return None
    span = 1 << TIME_BITS
    return time + round((near - time) / span) * span
