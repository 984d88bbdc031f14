"""A replay in a real browser: two runs that ffmpeg filmed, chapters, chat, buying from it."""

import subprocess
import time
from datetime import UTC, datetime, timedelta

import imageio_ffmpeg
import pytest
from playwright.sync_api import expect

from creators.audience.models import QualifiedView
from creators.chat.models import Message
from creators.live.replays import services
from shops.checkout.models import CartLine
from tests.browser.conftest import PHONE
from tests.factories.catalog import ProductFactory, SkuFactory
from tests.factories.creators import LiveSessionFactory, PieceProductFactory, PinFactory
from tests.factories.films import cut_up
from tests.factories.media import SegmentFactory, StreamFactory

pytestmark = pytest.mark.browser

SECONDS = 12
_FILM = (
    "-v error -f lavfi -i testsrc2=s=216x384:r=12 -f lavfi -i sine -t {seconds} -c:v libx264"
    " -preset ultrafast -pix_fmt yuv420p -g 12 -c:a aac -b:a 48k"
    " -movflags empty_moov+default_base_moof+frag_keyframe"
)


@pytest.fixture
def origin(site):
    """The site with its origin, which serves what was recorded."""
    site.start_one("origin")
    site.wait()
    yield site
    site.end("origin")


@pytest.fixture
def ended(origin, bob, shop, alice, tmp_path):
    """Bob's show of 24 s and a pause, with two pins and two lines of chat."""
    film = tmp_path / "film.mp4"
    making = [imageio_ffmpeg.get_ffmpeg_exe(), *_FILM.format(seconds=SECONDS).split(), str(film)]
    subprocess.run(making, check=True, timeout=60)
    init, segments = cut_up(film.read_bytes())
    began = datetime.now(UTC) - timedelta(minutes=5)
    over = began + timedelta(seconds=40)
    stream = StreamFactory(creator=bob.creator, closed_at=over, lost_at=over)
    session = LiveSessionFactory(
        piece__creator=bob.creator,
        piece__title="Scarves for autumn",
        state="ended",
        started_at=began,
        ended_at=over,
        stream=stream,
    )
    folder = origin.logs / "recordings" / str(stream.pk)
    folder.mkdir(parents=True)
    for run, into in ((1, 0), (2, 20)):
        (folder / f"init-{run}.mp4").write_bytes(init)
        for number, data in enumerate(segments):
            segment = SegmentFactory(
                stream=stream,
                run=run,
                first=run * 100 + number,
                starts_at=began + timedelta(seconds=into + number),
                duration_ms=1000,
            )
            (folder.parent / segment.name).write_bytes(data)
    for position, (title, at) in enumerate((("Silk scarf", 2), ("Wool scarf", 24)), start=1):
        product = ProductFactory(shop=shop, title=title)
        SkuFactory(product=product, options=[], on_hand=5)
        PieceProductFactory(piece=session.piece, product=product, position=position)
        pinned = began + timedelta(seconds=at)
        PinFactory(
            session=session,
            product=product,
            pinned_at=pinned,
            unpinned_at=pinned + timedelta(seconds=8),
            price_minor=1490,
            currency="EUR",
        )
        Message.objects.create(
            piece=session.piece,
            author=alice,
            client_id=f"11111111-1111-4111-8111-{position:012}",
            body=f"I like the {title.lower()}",
            sent_at=pinned + timedelta(seconds=1),
        )
    services.make_replay(piece_id=session.pk, now=datetime.now(UTC))
    return session


def _time(page):
    return page.locator("[data-video]").evaluate("video => video.currentTime")


def _wait_until_after(page, seconds):
    """Wait until the picture is there; the page's policy forbids Playwright's own way."""
    deadline = time.monotonic() + 15
    while _time(page) <= seconds:
        assert time.monotonic() < deadline, f"still at {_time(page)} s"
        page.wait_for_timeout(100)


def test_a_replay_plays_over_the_pause_and_sells(visit, ended, alice):
    page = visit(alice, viewport=PHONE)
    page.goto(f"/live/{ended.pk}/")
    page.get_by_role("button", name="Watch the replay").click()
    _wait_until_after(page, 0.3)
    chapters = page.locator("[data-chapters] a")
    chapters.nth(1).focus()
    page.keyboard.press("Enter")
    # The pause takes no time: what was pinned 4 s after it stands 16 s into the replay.
    _wait_until_after(page, 16.2)
    assert _time(page) < 20
    expect(chapters.nth(1)).to_have_attribute("aria-current", "true")
    expect(page.locator("[data-chat]")).to_contain_text("I like the silk scarf")
    expect(page.locator("[data-chat]")).to_contain_text("I like the wool scarf")
    _wait_until_after(page, 18.5)
    chapters.nth(0).click()
    expect(page.locator("[data-chat]")).not_to_contain_text("I like the wool scarf")
    card = page.locator("[data-card]").filter(has_text="Silk scarf")
    expect(card).to_contain_text("€14.90 in the show")
    card.get_by_role("button", name="Add to cart").click()
    expect(page.locator("[data-cart-count]")).to_have_text("1")
    assert f"piece.{ended.pk}." in CartLine.objects.get().referral
    _wait_until_after(page, 5.5)
    card.get_by_role("button", name="Buy now").click()
    page.wait_for_url("**/checkout/**")
    assert QualifiedView.objects.filter(piece_id=ended.pk).count() == 1
    assert visit.errors == []
