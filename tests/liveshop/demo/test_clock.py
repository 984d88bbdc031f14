"""The clock in the picture is read as it was drawn, scaled and compressed, or not at all."""

import io
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from liveshop.demo import clock

NOW = 1_790_000_000_123


def _picture(ms, *, width=720, height=1280):
    luma = Image.new("L", (width, height), 128)
    luma.paste(
        clock.strip(ms, width=width, height=height), (0, height - clock.strip_height(height))
    )
    return luma


def test_an_instant_has_the_cells_that_the_browser_draws():
    rows = ["".join(str(int(cell)) for cell in row) for row in clock.cells(NOW)]

    assert rows == ["11010000011000100010100000", "00110110001111011010010101"]


@given(st.integers(min_value=0, max_value=4_102_444_800_000))
def test_any_instant_of_a_century_is_read_back(ms):
    assert clock.read(_picture(ms, width=104, height=160), near=ms + 86_400_000) == ms


@pytest.mark.parametrize("size", [(720, 1280), (540, 960), (360, 640), (480, 854)])
def test_it_is_read_from_a_smaller_picture_after_hard_compression(size):
    small = _picture(NOW).resize(size, Image.Resampling.BICUBIC)
    file = io.BytesIO()
    small.save(file, "JPEG", quality=20)

    assert clock.read(Image.open(file), near=NOW) == NOW


def test_one_wrong_cell_is_noticed():
    picture = _picture(NOW)
    edge, width = clock.strip_height(1280), 720 / clock.COLUMNS
    for column, row in itertools.product(range(1, 25), range(2)):
        left, top = round(column * width), 1280 - edge + row * edge // 2
        area = (left, top, round((column + 1) * width), top + edge // 2)
        cell = picture.crop(area)
        picture.paste(cell.point(lambda light: 255 - light), area)
        assert clock.read(picture, near=NOW) is None
        picture.paste(cell, area)
    assert clock.read(picture, near=NOW) == NOW


def test_a_picture_without_a_clock_has_none():
    assert clock.read(Image.new("L", (720, 1280), 90), near=NOW) is None
