"""The studio's frames: the right size, another one each instant, with the product and the time."""

from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageFont

from liveshop.demo import clock
from liveshop.demo.drawing.__main__ import FOLDER
from liveshop.demo.picture import Product, Studio, clock_text, wrapped
from liveshop.demo.sound import LOOP_SECONDS, RATE, Loop

NOW = 1_790_000_000_123


@pytest.fixture(scope="module")
def studio():
    return Studio(poster="slow-evening", width=270)


@pytest.fixture(scope="module")
def card(studio):
    drawing = Path(FOLDER, "products", "onde-vase.svg")
    return studio.card(Product("Onde vase", drawing))


def _light(studio, frame):
    return Image.frombytes(
        "L", (studio.width, studio.height), frame[: studio.width * studio.height]
    )


def test_a_frame_is_yuv420p_and_carries_its_instant(studio):
    frame = studio.frame(NOW)

    assert (studio.width, studio.height) == (270, 480)
    assert len(frame) == 270 * 480 * 3 // 2
    assert clock.read(_light(studio, frame), near=NOW) == NOW
    assert studio.frame(NOW + 40) != frame
    assert studio.frame(NOW) == frame


def test_the_card_of_what_is_pinned_comes_in_and_stays_and_goes(studio, card):
    def differs(one, other):
        luma = [_light(studio, studio_frame) for studio_frame in (one, other)]
        return ImageChops.difference(*luma).crop((150, 220, 250, 340)).getbbox()

    studio.show(None, ms=NOW - 10_000)
    without = studio.frame(NOW)
    studio.show(card, ms=NOW)
    assert not differs(studio.frame(NOW), without)
    studio.show(card, ms=NOW - 5_000)
    assert differs(studio.frame(NOW), without)
    studio.show(None, ms=NOW - 5_000)
    assert studio.frame(NOW) == without


def test_people_can_read_the_clock_too():
    assert clock_text(NOW) == "14:13:20.123"


def test_long_names_take_two_lines_at_most():
    font = ImageFont.load_default(30)
    lines = wrapped("The seven pocket apron for all who lose their scissors daily", font, 280)

    assert len(lines) == 2
    assert lines[0] == "The seven pocket"
    assert lines[1].endswith("…")
    assert all(font.getlength(line) <= 280 for line in lines)
    assert wrapped("Moka", font, 280) == ["Moka"]


def test_the_sound_is_quiet_goes_round_and_ticks_with_the_clock():
    loop = Loop()

    def loudest(ms, samples):
        part = memoryview(loop.part(ms, samples=samples)).cast("h")
        assert len(part) == samples
        return max(abs(sample) for sample in part)

    assert 500 < loudest(NOW, RATE) < 32768 // 4
    first_ms = NOW // (LOOP_SECONDS * 1000) * (LOOP_SECONDS * 1000)
    round_it = memoryview(loop.part(first_ms + LOOP_SECONDS * 1000 - 1, samples=96)).cast("h")
    assert abs(round_it[47] - round_it[48]) < 400
    assert loop.part(first_ms, samples=96) == loop.part(first_ms + LOOP_SECONDS * 1000, samples=96)
