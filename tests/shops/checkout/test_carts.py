"""Putting goods into a cart, changing it, and merging it at sign-in."""

import uuid

import pytest

from shops.checkout import services
from shops.checkout.models import Cart, CartLine
from shops.checkout.owner import CartOwner
from shops.checkout.queries import shown_cart, unit_count
from shops.facts.models import Event
from shops.facts.refused import NotFound
from shops.stock.services import BadQuantity, OutOfStock
from tests.factories.catalog import ProductFactory, SkuFactory
from tests.factories.checkout import quote_for

pytestmark = pytest.mark.django_db


def _add(owner, sku, now, quantity=1, **more):
    return services.add_to_cart(owner=owner, sku_id=sku.pk, quantity=quantity, now=now, **more)


def test_added_units_come_on_top_and_the_last_referral_counts(mine, mug, now):
    _add(mine, mug, now, 2, referral="first")
    _add(mine, mug, now, 1, referral="second")
    line = _add(mine, mug, now, 1)
    assert (line.quantity, line.referral, line.cart.version) == (4, "second", 3)


def test_each_change_tells_the_owners_tabs(mine, alice, mug, now):
    _add(mine, mug, now, 2)
    facts = Event.objects.filter(kind="CartChanged")
    assert facts.get().payload == {"room": f"me:{alice.pk}", "version": 1, "units": 2}


@pytest.mark.parametrize("quantity", [0, -1, 10**9])
def test_impossible_quantities_are_refused(mine, mug, now, quantity):
    with pytest.raises(BadQuantity):
        _add(mine, mug, now, quantity)
    assert not CartLine.objects.exists()


def test_a_cart_has_only_so_many_lines(mine, mug, scarf, now, monkeypatch):
    monkeypatch.setattr(services.filling, "MOST_LINES", 1)
    _add(mine, mug, now)
    with pytest.raises(services.CartFull):
        _add(mine, scarf, now)
    assert _add(mine, mug, now).quantity == 2


def test_what_is_not_for_sale_is_refused(mine, shop, now):
    archived = SkuFactory(product=ProductFactory(shop=shop, status="archived"))
    switched_off = SkuFactory(product__shop=shop, is_active=False)
    for sku in (archived, switched_off):
        with pytest.raises(services.NotForSale):
            _add(mine, sku, now)
    with pytest.raises(NotFound):
        services.add_to_cart(owner=mine, sku_id=10**15, quantity=1, now=now)


def test_sold_out_and_too_many_say_how_many_are_left(mine, shop, scarf, now):
    gone = SkuFactory(product__shop=shop, on_hand=0)
    with pytest.raises(OutOfStock, match="sold out"):
        _add(mine, gone, now)
    with pytest.raises(OutOfStock, match="Only 3 are left") as refused:
        _add(mine, scarf, now, 4)
    assert refused.value.extra["left"] == 3


def test_another_currency_is_refused(mine, mug, shop, now):
    _add(mine, mug, now)
    with pytest.raises(services.OtherCurrency):
        _add(mine, SkuFactory(product__shop=shop, currency="USD"), now)


def test_a_stale_version_changes_nothing(mine, mug, now):
    _add(mine, mug, now, 2)
    with pytest.raises(services.CartMoved) as refused:
        services.set_quantity(owner=mine, sku_id=mug.pk, quantity=5, version=0, now=now)
    assert (refused.value.code, refused.value.status) == ("cart_changed", 409)
    assert refused.value.extra["version"] == 1
    assert unit_count(owner=mine) == 2


def test_of_two_tabs_that_saw_the_same_cart_only_one_changes_it(mine, mug, now):
    version = _add(mine, mug, now, 2).cart.version
    services.set_quantity(owner=mine, sku_id=mug.pk, quantity=3, version=version, now=now)
    with pytest.raises(services.CartMoved):
        services.set_quantity(owner=mine, sku_id=mug.pk, quantity=4, version=version, now=now)
    assert unit_count(owner=mine) == 3


def test_quantity_zero_takes_the_line_out_and_returns_what_it_was(mine, mug, now):
    version = _add(mine, mug, now, 2, referral="pin").cart.version
    before = services.set_quantity(owner=mine, sku_id=mug.pk, quantity=0, version=version, now=now)
    assert (before.quantity, before.referral) == (2, "pin")
    assert unit_count(owner=mine) == 0


def test_more_than_is_left_is_refused_but_less_is_always_possible(mine, scarf, now):
    version = _add(mine, scarf, now, 2).cart.version
    with pytest.raises(OutOfStock):
        services.set_quantity(owner=mine, sku_id=scarf.pk, quantity=4, version=version, now=now)
    scarf.stock.on_hand = 0
    scarf.stock.save()
    services.set_quantity(owner=mine, sku_id=scarf.pk, quantity=1, version=version, now=now)
    assert unit_count(owner=mine) == 1


def test_what_my_own_quote_keeps_is_left_for_me(alice, mine, scarf, now):
    quote_for(alice, scarf, quantity=3, now=now)
    line = shown_cart(owner=mine, now=now).lines[0]
    assert (line.left, line.is_fine) == (3, True)


def test_a_price_that_changed_since_is_told(mine, mug, now):
    _add(mine, mug, now)
    mug.price_minor = 2090
    mug.save()
    line = shown_cart(owner=mine, now=now).lines[0]
    assert line.is_price_changed
    assert (line.seen_price_minor, line.total_minor) == (1990, 2090)


def test_merging_adds_units_and_never_takes_any_away(alice, mine, mug, scarf, shop, now):
    browser = CartOwner(token=uuid.uuid4())
    plenty = SkuFactory(product__shop=shop, on_hand=500)
    _add(browser, mug, now, 2, referral="pin")
    _add(browser, scarf, now, 2)
    _add(browser, plenty, now, 90)
    _add(mine, mug, now, 1)
    _add(mine, scarf, now, 2)
    _add(mine, plenty, now, 20)
    services.merge_carts(token=browser.token, user_id=alice.pk, now=now)
    lines = {line.sku_id: line for line in CartLine.objects.filter(cart__user=alice)}
    assert {pk: line.quantity for pk, line in lines.items()} == {
        mug.pk: 3,
        scarf.pk: 3,
        plenty.pk: 99,
    }
    assert lines[mug.pk].referral == "pin"
    assert not Cart.objects.filter(token=browser.token).exists()


def test_merging_a_browser_without_a_cart_does_nothing(alice, now):
    services.merge_carts(token=uuid.uuid4(), user_id=alice.pk, now=now)
    assert not Cart.objects.exists()
