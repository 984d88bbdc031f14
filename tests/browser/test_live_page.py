"""A show on its two pages: what the host does, the viewers see at once."""

import re
import uuid
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from creators.audience.models import ProductClick
from creators.chat.models import Message
from creators.live.models import LiveSession, Pin
from shops.checkout.models import CartLine
from shops.stock import services as stock
from shops.stock.services import waitlist
from tests.browser.conftest import DESKTOP
from tests.factories.catalog import ProductFactory, SkuFactory
from tests.factories.creators import LiveSessionFactory, PieceProductFactory

pytestmark = pytest.mark.browser


@pytest.fixture
def show(bob, shop):
    """Bob's live show with a scarf of two colours, and a shirt."""
    session = LiveSessionFactory(piece__creator=bob.creator, piece__title="Spring scarves")
    scarf = ProductFactory(shop=shop, title="Silk scarf")
    SkuFactory(product=scarf, options=["red"], position=1)
    SkuFactory(product=scarf, options=["blue"], price_minor=2500, position=2, on_hand=0)
    shirt = ProductFactory(shop=shop, title="Linen shirt")
    SkuFactory(product=shirt, options=[])
    for position, product in enumerate((scarf, shirt), start=1):
        PieceProductFactory(piece=session.piece, product=product, position=position)
    session.scarf, session.shirt = scarf, shirt
    return session


def _open(visit, show, user, *, console=False, **how):
    page = visit(user, **how)
    page.goto(f"/live/{show.pk}/" + ("console/" if console else ""))
    return page


def _connected(page):
    expect(page.locator("[data-connection]")).to_have_text("Connected")


def test_a_pin_comes_to_the_viewers_page_and_the_focus_stays(visit, show, alice, bob):
    viewer = _open(visit, show, alice)
    host = _open(visit, show, bob, console=True, viewport=DESKTOP)
    _connected(host)
    expect(viewer.locator("[data-viewers]")).to_have_text(re.compile("[12]"))
    viewer.get_by_label("Say something").focus()

    host.get_by_role("button", name="Pin Silk scarf").click()
    card = viewer.locator(".pin-card")
    expect(card.get_by_role("heading")).to_have_text("Silk scarf")
    expect(card.locator("[data-slot=price]")).to_have_text("from €19.90")
    expect(card.locator("[data-slot=stock]")).to_have_text("10 left")
    expect(viewer.get_by_label("Say something")).to_be_focused()
    expect(host.locator("[data-pinned] [data-slot=title]")).to_have_text("Silk scarf")

    host.keyboard.press("2")
    expect(card.get_by_role("heading")).to_have_text("Linen shirt")
    host.keyboard.press("0")
    expect(card).to_have_count(0)
    assert Pin.objects.count() == 2
    expect(host.locator("[data-console-log] tbody tr")).to_have_count(2)
    assert visit.errors == []


def test_number_keys_rest_while_the_host_types_and_can_be_turned_off(visit, show, bob):
    host = _open(visit, show, bob, console=True, viewport=DESKTOP)
    _connected(host)
    host.get_by_label("Say something").press_sequentially("1 of 2")
    host.get_by_label("Say something").blur()
    host.get_by_label("Keys 1 to 9").uncheck()
    host.keyboard.press("1")
    host.get_by_label("Say something").press("Enter")
    expect(host.locator(".chat__line")).to_have_text(re.compile("1 of 2"))
    assert not Pin.objects.exists()


def test_people_chat_and_the_host_deletes_and_mutes(visit, show, alice, bob):
    viewer = _open(visit, show, alice)
    host = _open(visit, show, bob, console=True, viewport=DESKTOP)
    _connected(host)
    line = viewer.get_by_label("Say something")
    line.fill("Is it <b>silk</b>?")
    line.press("Enter")
    said = host.locator(".chat__line", has_text="Is it <b>silk</b>?")
    expect(said).to_be_visible()
    expect(viewer.locator(".chat__line--own")).to_have_text(re.compile("Is it <b>silk</b>"))
    expect(line).to_have_value("")

    said.get_by_role("button", name="Delete").click()
    expect(viewer.locator(".chat__line")).to_have_count(0)
    host.locator(".toast").get_by_role("button", name="Undo").click()
    expect(viewer.locator(".chat__line--own")).to_have_text(re.compile("Is it <b>silk</b>"))
    said.get_by_role("button", name="Delete").click()
    expect(viewer.locator(".chat__line")).to_have_count(0)

    line.fill("rude")
    line.press("Enter")
    host.locator(".chat__line", has_text="rude").get_by_role("button", name="Mute").click()
    expect(viewer.locator("[data-chat-error]")).to_contain_text("You are muted until")
    expect(line).to_have_attribute("readonly", "")
    host.get_by_role("button", name="Lift").click()
    expect(viewer.locator("[data-chat-error]")).to_have_text("")
    line.fill("sorry")
    line.press("Enter")
    expect(host.locator(".chat__line", has_text="sorry")).to_be_visible()
    assert visit.errors == []


def test_a_line_that_is_refused_comes_back_with_the_reason(visit, show, alice):
    viewer = _open(visit, show, alice)
    expect(viewer.locator("[data-viewers]")).to_have_text("1")
    line = viewer.get_by_label("Say something")
    for number in range(6):
        line.fill(f"line {number}")
        line.press("Enter")
    expect(viewer.locator("[data-chat-error]")).to_contain_text("too fast")
    expect(line).to_have_value("line 5")
    expect(viewer.locator(".chat__line")).to_have_count(5)
    assert Message.objects.count() == 5


def test_a_viewer_opens_the_bag_and_puts_something_into_the_cart(visit, show, alice):
    viewer = _open(visit, show, alice)
    expect(viewer.locator("[data-viewers]")).to_have_text("1")
    viewer.get_by_role("link", name="Shopping bag").click()
    sheet = viewer.get_by_role("dialog")
    expect(sheet.get_by_role("listitem")).to_have_count(2)
    sheet.get_by_text("Silk scarf").click()
    expect(sheet.get_by_label("Option").first).to_have_value(
        str(show.scarf.skus.get(position=1).pk)
    )
    sheet.get_by_role("button", name="Add to cart").first.click()
    expect(viewer.locator(".live__cart [data-cart-count]")).to_have_text("1")
    sheet.get_by_role("button", name="Close").click()
    viewer.locator("[data-open-cart]").click()
    expect(viewer.get_by_role("dialog").get_by_role("link", name="Silk scarf")).to_be_visible()
    line = CartLine.objects.get()
    assert (line.cart.user, line.quantity) == (alice, 1)
    assert line.referral.startswith(f"piece.{show.pk}.")
    assert ProductClick.objects.get().product == show.scarf
    assert visit.errors == []


def test_a_guests_first_product_shows_in_the_cart_count(visit, show):
    Pin.objects.create(session=show, product=show.shirt, pinned_at=show.started_at)
    viewer = _open(visit, show, None)
    expect(viewer.locator("[data-viewers]")).to_have_text("1")
    viewer.locator(".pin-card").get_by_role("button", name="Add to cart").click()
    expect(viewer.locator(".live__cart [data-cart-count]")).to_have_text("1")
    viewer.locator(".pin-card").get_by_role("button", name="Add to cart").click()
    expect(viewer.locator(".live__cart [data-cart-count]")).to_have_text("2")
    assert visit.errors == []


def test_hearts_are_counted_for_everybody(visit, show, alice, bob):
    viewer = _open(visit, show, alice)
    host = _open(visit, show, bob, console=True, viewport=DESKTOP)
    _connected(host)
    expect(viewer.locator("[data-viewers]")).to_have_text(re.compile("[12]"))
    for _ in range(3):
        viewer.get_by_role("button", name="Send a heart").click()
    expect(host.locator("[data-figure=hearts]")).to_have_text("3")
    expect(viewer.locator("[data-heart-count]")).to_have_text("3")


def test_the_host_starts_and_ends_the_show_and_viewers_see_it(visit, show, alice, bob):
    LiveSession.objects.update(state="scheduled", started_at=None)
    viewer = _open(visit, show, alice)
    expect(viewer.get_by_text("About to start")).to_be_visible()
    host = _open(visit, show, bob, console=True, viewport=DESKTOP)
    host.get_by_role("button", name="Go live").click()
    host.get_by_role("button", name="Yes, go on").click()
    _connected(host)
    expect(viewer.locator('[data-badge="live"]')).to_be_visible()
    expect(viewer.locator("[data-veil]")).to_be_hidden()
    host.get_by_role("button", name="End the show").click()
    host.get_by_role("button", name="Yes, go on").click()
    expect(viewer.get_by_text("The show has ended")).to_be_visible()
    assert LiveSession.objects.get().is_ended


def test_the_host_adds_a_product_and_viewers_can_buy_it(visit, show, shop, alice, bob):
    hat = ProductFactory(shop=shop, title="Straw hat")
    SkuFactory(product=hat, options=[])
    viewer = _open(visit, show, alice)
    host = _open(visit, show, bob, console=True, viewport=DESKTOP)
    _connected(host)
    host.get_by_text("Add products").click()
    host.get_by_label("Search your partners' products").fill("straw")
    host.get_by_role("button", name="Add Straw hat").click()
    expect(host.locator("[data-console-bag] [data-card]")).to_have_count(3)
    expect(viewer.locator("[data-bag-count]")).to_have_text("3")
    viewer.get_by_role("link", name="Shopping bag").click()
    viewer.get_by_role("dialog").locator("strong", has_text="Straw hat").click()
    viewer.get_by_role("dialog").get_by_role("button", name="Buy now").last.click()
    viewer.wait_for_url("**/checkout/")
    assert CartLine.objects.get().sku.product == hat
    assert visit.errors == []


def test_the_cart_count_follows_the_other_tabs(visit, show, alice):
    home = visit(alice)
    home.goto("/cart/")
    expect(home.locator(".site-nav [data-cart-count]")).to_be_hidden()
    viewer = _open(visit, show, alice)
    expect(viewer.locator("[data-viewers]")).to_have_text("1")
    viewer.get_by_role("link", name="Shopping bag").click()
    viewer.get_by_role("dialog").locator("strong", has_text="Linen shirt").click()
    viewer.get_by_role("dialog").get_by_role("button", name="Add to cart").last.click()
    expect(home.locator(".site-nav [data-cart-count]")).to_have_text("1")
    assert visit.errors == []


def test_on_a_desk_the_headers_cart_opens_beside_the_show(visit, show, alice):
    viewer = _open(visit, show, alice, viewport=DESKTOP)
    expect(viewer.locator("[data-viewers]")).to_have_text("1")
    viewer.locator(".site-nav [data-cart-link]").click()
    expect(viewer.get_by_role("dialog").get_by_text("Your cart is empty.")).to_be_visible()
    expect(viewer).to_have_url(re.compile(f"/live/{show.pk}/$"))


def test_what_the_waitlist_keeps_for_a_viewer_is_told_and_can_be_put_aside(visit, show, alice, now):
    sku = show.shirt.skus.get()
    theirs = stock.Wanted(uuid.uuid4(), sku.pk, sku.stock.available)
    stock.hold(wanted=[theirs], now=now, ttl=timedelta(minutes=5))
    waitlist.join(user=alice, sku_id=sku.pk, quantity=1, now=now)
    page = _open(visit, show, alice)
    live = page.locator("[data-connection][data-state=live]")
    expect(live).to_have_count(1)

    stock.release(hold_ids=[theirs.hold_id], now=now)
    offer = page.get_by_role("status").get_by_text("It is your turn: “Linen shirt”")
    expect(offer).to_be_visible()
    input_box = page.get_by_placeholder("Say something nice").bounding_box()
    assert offer.bounding_box()["y"] + offer.bounding_box()["height"] < input_box["y"]

    page.get_by_role("button", name="Put aside").click()
    expect(offer).to_have_count(0)
    page.reload()
    expect(live).to_have_count(1)
    expect(offer).to_have_count(0)
    page.goto("/waitlist/")
    expect(page.get_by_role("heading", name="It is your turn")).to_be_visible()
    assert visit.errors == []
