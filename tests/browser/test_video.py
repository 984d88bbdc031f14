"""The picture in a real browser: an encoder sends it, the origin cuts it, the page plays it."""

import json
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from creators.live import services as live
from creators.live.models import LiveSession
from creators.media import services as media
from tests.browser.conftest import PHONE
from tests.factories.catalog import ProductFactory, SkuFactory
from tests.factories.creators import LiveSessionFactory, PieceProductFactory
from tests.faults.encoder import Encoder, make_clip

pytestmark = pytest.mark.browser

# In ms, for what takes a process or the network a while.
PATIENCE = 20_000


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A few upright seconds, over and over."""
    path = tmp_path_factory.mktemp("clip") / "clip.flv"
    return make_clip(path, size="216x384", fps=20)


@pytest.fixture
def origin(browser, site):
    """The site with its origin; the browser's loop comes first, as in `visit`."""
    site.start_one("origin")
    site.wait()
    yield site
    site.end("origin")


@pytest.fixture
def show(bob, shop):
    """Bob's live show with a product in its bag, and a stream that takes a picture."""
    now = datetime.now(UTC)
    stream = media.open_stream(creator=bob.creator, is_private=False, now=now)
    media.go_on_air(stream_id=stream.pk, now=now)
    session = LiveSessionFactory(piece__creator=bob.creator, state="scheduled", stream=stream)
    LiveSession.objects.filter(pk=session.pk).update(state="live", started_at=now)
    product = ProductFactory(shop=shop, title="Silk scarf")
    SkuFactory(product=product, options=["red"], on_hand=9)
    PieceProductFactory(piece=session.piece, product=product, position=1)
    session.product = product
    return session


# Notes, at each change of the pinned card, the time of the picture that is shown then.
_NOTE = """() => {
  const place = document.querySelector("[data-pinned-place]");
  const player = document.querySelector("[data-player]").player;
  window.noted = [];
  new MutationObserver(() => {
    const card = place.querySelector("[data-card]:not([data-retired])");
    window.noted.push([card?.dataset.product ?? null, player.at()]);
  }).observe(place, { childList: true });
}"""
_AT = """() => document.querySelector("[data-player]").player.at()"""


def test_the_picture_plays_a_pin_waits_for_it_and_it_comes_back(
    origin, visit, clip, show, alice, bob
):
    key = media.make_key(creator=bob.creator, now=datetime.now(UTC))
    url = f"rtmp://127.0.0.1:{origin.rtmp_port}/live/{key}"
    page = visit(alice, viewport=PHONE)
    events = []
    page.on(
        "websocket",
        lambda socket: socket.on(
            "framereceived", lambda text: events.extend(json.loads(text).get("events", []))
        ),
    )
    page.goto(f"/live/{show.pk}/")
    player = page.locator("[data-player]")
    notice = page.locator("[data-player-notice]")
    expect(player).to_be_hidden()

    encoder = Encoder(clip).start(url)
    try:
        expect(player).to_have_attribute("data-state", "playing", timeout=PATIENCE)
        expect(page.get_by_role("button", name="Sound off: tap to unmute")).to_be_visible()
        expect(page.locator("[data-player-still]")).to_be_hidden()
        assert page.evaluate(_AT) <= datetime.now(UTC).timestamp() * 1000

        page.evaluate(_NOTE)
        live.pin(piece_id=show.pk, product_id=show.product.pk, by=bob, now=datetime.now(UTC))
        expect(page.locator("[data-pinned-place] [data-card]")).to_be_visible()
        (pinned,) = [one for one in events if one["t"] == "pinned"]
        (product, shown_at), *_ = page.evaluate("noted")
        assert product == str(show.product.pk)
        assert shown_at >= pinned["at"] - 50

        encoder.stop()
        expect(notice).to_have_text("Reconnecting…", timeout=PATIENCE)
        expect(page.locator("[data-pinned-place] [data-card]")).to_be_visible()
        encoder = Encoder(clip).start(url)
        expect(player).to_have_attribute("data-state", "playing", timeout=PATIENCE)
        expect(notice).to_be_empty()
        assert page.evaluate(_AT) > shown_at
    finally:
        encoder.stop()
    assert visit.errors == []
