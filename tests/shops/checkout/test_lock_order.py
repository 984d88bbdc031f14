"""The sweeper stands in no buyer's way, whatever it sweeps, and neither does a sign-in."""

import uuid
from datetime import timedelta

import pytest

from shops.checkout import services
from shops.checkout.models import Cart, CartLine
from shops.checkout.owner import CartOwner
from shops.stock.models import Stock
from tests.between import come_between
from tests.factories.catalog import SkuFactory
from tests.factories.checkout import purchase_of

pytestmark = pytest.mark.django_db(transaction=True)


def test_expiring_several_purchases_waits_for_one_sku_without_keeping_another(alice, shop, now):
    low, high = SkuFactory(product__shop=shop), SkuFactory(product__shop=shop)
    for minutes, sku in enumerate((high, low)):
        purchase = purchase_of(alice, sku, now=now + timedelta(minutes=minutes))
        purchase.payments.update(state="failed")

    later = now + timedelta(hours=1)
    come_between(lambda: services.expire_due_purchases(now=later), first=low.stock, then=high.stock)

    assert set(Stock.objects.values_list("reserved", flat=True)) == {0}


def test_who_signs_in_while_something_is_put_into_their_cart_loses_nothing(alice, shop, now):
    mug, scarf = SkuFactory(product__shop=shop), SkuFactory(product__shop=shop)
    browser = CartOwner(token=uuid.uuid4())
    services.add_to_cart(owner=browser, sku_id=mug.pk, quantity=1, now=now)

    come_between(
        lambda: services.add_to_cart(owner=browser, sku_id=scarf.pk, quantity=1, now=now),
        first=Cart.objects.get(),
        then=lambda: services.merge_carts(token=browser.token, user_id=alice.pk, now=now),
    )

    assert dict(CartLine.objects.values_list("cart__user", "sku")) == {
        alice.pk: mug.pk,
        None: scarf.pk,
    }


def test_a_sign_in_takes_both_carts_in_the_order_of_all_who_take_several(alice, shop, now):
    mug = SkuFactory(product__shop=shop)
    mine, browser = CartOwner(user_id=alice.pk), CartOwner(token=uuid.uuid4())
    low, high = (
        services.add_to_cart(owner=owner, sku_id=mug.pk, quantity=1, now=now).cart
        for owner in (mine, browser)
    )

    come_between(
        lambda: services.merge_carts(token=browser.token, user_id=alice.pk, now=now),
        first=low,
        then=high,
    )

    assert CartLine.objects.get().quantity == 2
