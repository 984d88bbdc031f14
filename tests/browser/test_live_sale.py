"""Bob pins in his console, alice buys on her phone, and both see it happen."""

import statistics
import time

import pytest
from playwright.sync_api import expect

from creators.live import services as live
from shops.orders.models import Order
from tests.browser.conftest import DESKTOP
from tests.factories.catalog import ProductFactory, SkuFactory

pytestmark = pytest.mark.browser


@pytest.fixture
def vase(show, bob, shop, now):
    """A second product in bob's bag."""
    product = ProductFactory(shop=shop, title="Red vase")
    SkuFactory(product=product, options=[], on_hand=5)
    live.add_to_bag(piece_id=show.pk, product_id=product.pk, by=bob, now=now)
    return product


def _pin(console, product):
    console.locator(f'[data-product="{product.pk}"] [data-pin-form] button').click()


def test_a_pin_is_on_the_phone_within_a_second(visit, show, vase, alice, bob):
    console = visit(bob, viewport=DESKTOP)
    console.goto(f"/live/{show.pk}/console/")
    phone = visit(alice)
    phone.goto(f"/live/{show.pk}/")
    title = phone.locator("[data-pinned-place] .pin-card__title")
    expect(phone.locator("[data-connection]")).to_have_attribute("data-state", "live")

    delays = []
    for product in [show.product, vase, show.product, vase, show.product]:
        pressed = time.monotonic()
        _pin(console, product)
        expect(title).to_have_text(product.title)
        delays.append(time.monotonic() - pressed)

    # The middle one of five: a machine that is busy for a moment is no lie about the site.
    assert statistics.median(delays) <= 1
    assert visit.errors == []


def test_she_buys_from_the_card_and_both_see_the_stock_fall(visit, show, alice, bob):
    console = visit(bob, viewport=DESKTOP)
    console.goto(f"/live/{show.pk}/console/")
    _pin(console, show.product)
    phone = visit(alice)
    phone.goto(f"/live/{show.pk}/")
    card = phone.locator("[data-pinned-place] .pin-card")
    expect(card).to_contain_text("10 left")
    watching = phone.context.new_page()
    watching.goto(f"/live/{show.pk}/")

    card.locator("[data-buy]").click()
    phone.wait_for_url("**/checkout/")
    phone.get_by_role("button", name="Order and pay").click()
    phone.wait_for_url("**/orders/*/")

    expect(phone.locator("main")).to_contain_text("Paid")
    expect(watching.locator("[data-pinned-place] .pin-card")).to_contain_text("9 left")
    expect(
        console.locator(f'[data-console-bag] [data-product="{show.product.pk}"]')
    ).to_contain_text("9")
    expect(console.locator('[data-figure="orders"]')).to_have_text("1")
    assert Order.objects.get().is_paid
    assert visit.errors == []


def test_a_reload_and_a_second_tab_show_the_same_cart(visit, show, alice, bob, now):
    live.pin(piece_id=show.pk, product_id=show.product.pk, by=bob, now=now)
    phone = visit(alice)
    phone.goto(f"/live/{show.pk}/")
    other = phone.context.new_page()
    other.goto(f"/live/{show.pk}/")
    expect(other.locator("[data-connection]")).to_have_attribute("data-state", "live")

    phone.locator("[data-pinned-place] [data-add]").click()

    expect(phone.locator(".live__top [data-cart-count]")).to_have_text("1")
    expect(other.locator(".live__top [data-cart-count]")).to_have_text("1")
    phone.reload()
    expect(phone.locator(".live__top [data-cart-count]")).to_have_text("1")
    other.goto("/cart/")
    expect(other.locator("main")).to_contain_text("Blue lamp")


def test_the_whole_purchase_works_without_javascript(visit, show, alice, bob, now):
    live.pin(piece_id=show.pk, product_id=show.product.pk, by=bob, now=now)
    phone = visit(alice, javascript=False)
    phone.goto(f"/live/{show.pk}/")

    phone.locator("[data-pinned-place]").get_by_role("button", name="Add to cart").click()
    phone.wait_for_url(f"**/live/{show.pk}/")
    phone.goto("/cart/")
    phone.get_by_role("link", name="Check out").click()
    phone.get_by_role("button", name="Order and pay").click()
    phone.wait_for_url("**/orders/*/")
    expect(phone.locator("main")).to_contain_text("Paid")
    assert Order.objects.get().is_paid
    assert Order.objects.get().lines.get().referral.startswith(f"piece.{show.pk}.")
