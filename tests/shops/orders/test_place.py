"""Amounts of an order add up: goods, discounts, shipping, taxes in the prices and on top."""

import uuid
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from creators.pieces import referral
from shops.orders.models import Order
from shops.orders.services import LineToPlace, ShippingToPlace
from tests.factories.checkout import ADDRESS
from tests.factories.orders import place_one

pytestmark = pytest.mark.django_db


def _line(sku, **more):
    told = {"quantity": 2, "unit_price_minor": sku.price_minor, "hold_id": uuid.uuid4()}
    return LineToPlace(sku_id=sku.pk, **{**told, **more})


def _placed(buyer, lines, now, shipping=()):
    return place_one(
        buyer_id=buyer.pk,
        quote_id=uuid.uuid4(),
        lines=lines,
        address=ADDRESS,
        currency="EUR",
        now=now,
        pay_by=now + timedelta(minutes=30),
        shipping=shipping,
    )


def test_what_is_on_top_is_paid_and_what_is_in_the_price_is_only_shown(alice, mug, lamp, shop, now):
    purchase = _placed(
        alice,
        [
            _line(mug, discount_minor=380, tax_minor=600, tax_bps=2000),
            _line(lamp, tax_minor=1600, tax_bps=2000, is_tax_inclusive=False),
        ],
        now,
        shipping=[
            ShippingToPlace(
                shop_id=shop.pk,
                method="Courier",
                amount_minor=500,
                tax_minor=100,
                is_tax_inclusive=False,
            ),
            ShippingToPlace(shop_id=lamp.product.shop_id, method="Post", amount_minor=700),
        ],
    )
    mine, theirs = Order.objects.get(shop=shop), Order.objects.get(shop=lamp.product.shop)
    assert (mine.goods_minor, mine.discount_minor, mine.shipping_minor) == (3980, 380, 500)
    assert (mine.tax_minor, mine.shipping_tax_minor, mine.all_taxes_minor) == (600, 100, 700)
    assert (mine.total_minor, mine.added_tax_minor) == (3980 - 380 + 500 + 100, 100)
    assert (theirs.total_minor, theirs.added_tax_minor) == (8000 + 700 + 1600, 1600)
    assert purchase.total_minor == mine.total_minor + theirs.total_minor
    assert [line.paid_minor for line in mine.lines.all()] == [3600]
    assert [line.paid_minor for line in theirs.lines.all()] == [9600]
    assert (mine.shipping_method, theirs.shipping_method) == ("Courier", "Post")


def test_shipping_of_a_shop_that_sells_nothing_here_is_not_paid(alice, mug, lamp, now):
    elsewhere = ShippingToPlace(shop_id=lamp.product.shop_id, method="Post", amount_minor=700)
    purchase = _placed(alice, [_line(mug)], now, shipping=[elsewhere])
    assert purchase.total_minor == 3980


def test_goods_of_one_show_travel_together(alice, mug, lamp, now):
    text = referral.make(12, 3, 4)
    purchase = _placed(alice, [_line(mug, referral=text), _line(lamp)], now)
    assert sorted(purchase.orders.values_list("group", flat=True)) == ["", "piece.12"]
    assert referral.show_of(text) == "piece.12"
    assert referral.show_of(text + "x") == referral.show_of("") == ""


@pytest.mark.parametrize(
    "wrong", [{"discount_minor": 4000}, {"shipping_minor": -1}, {"goods_minor": 4500}], ids=str
)
def test_the_database_keeps_amounts_that_do_not_add_up_out(alice, mug, now, wrong):
    order = _placed(alice, [_line(mug)], now).orders.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        Order.objects.filter(pk=order.pk).update(**wrong)
