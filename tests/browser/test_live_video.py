"""The whole chain in a real browser: a camera, the origin, a phone that watches and buys, a drop,
the end, and the replay that sells."""

import json
import time
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from creators.live.models import Pin
from shops.catalog.models import Sku
from shops.checkout.models import CartLine
from shops.orders.models import Order
from tests.browser.conftest import DESKTOP, PHONE

pytestmark = pytest.mark.browser

# In ms, for what takes a process or the network a while.
PATIENCE = 20_000

# A small picture costs a busy machine little; what is sent can be cut off.
_CONSOLE = """
localStorage["liveshop.camera"] = JSON.stringify({ quality: "480p" });
window.sockets = [];
window.WebSocket = class extends WebSocket {
  constructor(...words) { super(...words); sockets.push(this); }
};
"""
_CUT_OFF = """() => {
  for (const one of sockets) if (one.url.includes("/ingest/")) one.close();
}"""
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


def _answer_yes(page, button):
    page.get_by_role("button", name=button).click()
    page.locator("dialog[open] [value=yes]").click()


def _wait(page, true, *, patience_ms=PATIENCE):
    """Wait for it; the page's policy forbids Playwright's own way."""
    deadline = time.monotonic() + patience_ms / 1000
    while not true():
        assert time.monotonic() < deadline, "that did not happen"
        page.wait_for_timeout(100)


@pytest.mark.long
def test_live_from_the_camera_with_a_drop_to_a_replay_that_sells(
    origin, visit, planned, alice, bob
):
    silk, wool = planned.products
    console = visit(bob, viewport=DESKTOP)
    console.add_init_script(_CONSOLE)
    console.goto(f"/live/{planned.pk}/console/")
    said = console.locator("[data-camera-state]")
    console.get_by_role("button", name="Turn the camera on").click()
    expect(said).to_have_text("Preview: nothing is sent yet")
    console.wait_for_timeout(450)  # a second press at once counts as the first
    console.get_by_role("button", name="Go on camera").click()
    expect(said).to_have_text("Sending. Only you see it until you go live.")
    expect(console.locator("[data-player]")).to_have_attribute(
        "data-state", "playing", timeout=PATIENCE
    )

    # Going live changes the page in place: the camera goes on with what it sends.
    _answer_yes(console, "Go live")
    expect(said).to_have_text("On air: viewers see you")
    expect(console.get_by_role("button", name="End the show")).to_be_visible()
    expect(console.locator("[data-connection]")).to_have_text("Connected")
    sent = console.evaluate("sockets.filter((one) => one.url.includes('/ingest/')).length")
    assert sent == 1

    phone = visit(alice, viewport=PHONE)
    events = []
    phone.on(
        "websocket",
        lambda socket: socket.on(
            "framereceived", lambda text: events.extend(json.loads(text).get("events", []))
        ),
    )
    phone.goto(f"/live/{planned.pk}/")
    player, notice = phone.locator("[data-player]"), phone.locator("[data-player-notice]")
    card = phone.locator("[data-pinned-place] [data-card]:not([data-retired])")
    expect(player).to_have_attribute("data-state", "playing", timeout=PATIENCE)
    expect(phone.get_by_role("button", name="Sound off: tap to unmute")).to_be_visible()
    expect(phone.locator("[data-player-still]")).to_be_hidden()
    assert phone.evaluate(_AT) <= datetime.now(UTC).timestamp() * 1000

    # A pin is shown when the phone's own picture gets to it.
    phone.evaluate(_NOTE)
    console.keyboard.press("1")
    expect(card).to_contain_text("Silk scarf")
    (pinned,) = [one for one in events if one["t"] == "pinned"]
    (product, shown_at), *_ = phone.evaluate("noted")
    assert product == str(silk.pk)
    assert shown_at >= pinned["at"] - 50

    phone.locator("[data-chat-input]").fill("I like the silk scarf")
    phone.keyboard.press("Enter")
    card.locator("[data-buy]").click()
    phone.wait_for_url("**/checkout/")
    phone.get_by_role("button", name="Order and pay").click()
    phone.wait_for_url("**/orders/*/")
    expect(phone.locator("main")).to_contain_text("Paid")
    expect(console.locator('[data-figure="orders"]')).to_have_text("1")
    phone.goto(f"/live/{planned.pk}/")
    expect(player).to_have_attribute("data-state", "playing", timeout=PATIENCE)
    before = phone.evaluate(_AT)

    console.route("**/camera/", lambda route: route.abort())
    console.evaluate(_CUT_OFF)
    expect(said).to_have_text("Connection lost, reconnecting…")
    expect(notice).to_have_text("Reconnecting…", timeout=PATIENCE)
    expect(card).to_contain_text("Silk scarf")
    console.unroute("**/camera/")
    expect(said).to_have_text("On air: viewers see you", timeout=PATIENCE)
    expect(player).to_have_attribute("data-state", "playing", timeout=PATIENCE)
    expect(notice).to_be_empty()
    assert phone.evaluate(_AT) > before
    console.keyboard.press("2")
    expect(card).to_contain_text("Wool scarf")
    phone.locator("[data-chat-input]").fill("I like the wool scarf")
    phone.keyboard.press("Enter")
    expect(console.locator("[data-chat]")).to_contain_text("I like the wool scarf")
    phone.wait_for_timeout(1_500)

    _answer_yes(console, "End the show")
    expect(console.locator("[data-part=bar]")).to_contain_text("Ended")
    Sku.objects.filter(product=wool).update(price_minor=2490)
    start = phone.get_by_role("button", name="Watch the replay")

    def is_there():
        phone.goto(f"/live/{planned.pk}/")
        return start.is_visible()

    _wait(phone, is_there)
    start.click()
    video, chat = phone.locator("[data-video]"), phone.locator("[data-chat]")
    chapters = phone.locator("[data-chapters] a")
    expect(chapters).to_have_count(2)
    second = float(chapters.nth(1).get_attribute("data-at")) / 1000
    _wait(phone, lambda: video.evaluate("one => one.currentTime") > 0.1)
    chapters.nth(1).focus()
    phone.keyboard.press("Enter")
    # Over the time without a picture: in the replay it takes none.
    _wait(phone, lambda: video.evaluate("one => one.currentTime") > second + 0.1)
    planned.refresh_from_db()
    pinned_at = Pin.objects.get(session=planned, product=wool).pinned_at
    assert 1 < second < (pinned_at - planned.started_at).total_seconds() - 1
    expect(chapters.nth(1)).to_have_attribute("aria-current", "true")
    expect(chat).to_contain_text("I like the silk scarf")
    expect(chat).to_contain_text("I like the wool scarf")
    chapters.nth(0).click()
    expect(chat).not_to_contain_text("I like the wool scarf")
    good = phone.locator("[data-card]").filter(has_text="Wool scarf")
    expect(good).to_contain_text("€24.90")
    expect(good).to_contain_text("€19.90 in the show")
    good.get_by_role("button", name="Add to cart").click()
    expect(phone.locator("[data-cart-count]")).to_have_text("1")
    assert f"piece.{planned.pk}." in CartLine.objects.get().referral
    assert f"piece.{planned.pk}." in Order.objects.get().lines.get().referral
    good.get_by_role("button", name="Buy now").click()
    phone.wait_for_url("**/checkout/**")
    # Only what was cut off on purpose is complained about.
    assert [one for one in visit.errors if "ERR_FAILED" not in one] == []
