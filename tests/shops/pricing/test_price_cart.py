"""Pricing by what shops, countries and vouchers are set to."""

from datetime import timedelta

import pytest

from shops.pricing.services import ToPrice, VoucherRefused, price_cart
from tests.factories.catalog import CategoryFactory, ShopFactory
from tests.factories.pricing import sends, tax, voucher

pytestmark = pytest.mark.django_db


def _priced(shop, *, country="IT", minor=1000, quantity=1, category=None, now, **more):
    line = ToPrice(1, shop.pk, category.pk if category else None, quantity, minor)
    return price_cart(lines=[line], country=country, now=now, **more)


def test_a_shop_that_set_nothing_sends_everywhere_for_free_and_nobody_taxes(shop, now):
    priced = _priced(shop, country="JP", now=now)
    assert (priced.total_minor, priced.tax_minor, priced.is_available) == (1000, 0, True)
    assert priced.shipments[0].chosen.name == "Standard"


def test_a_countrys_own_rate_goes_before_that_of_everywhere_else(shop, now):
    sends(shop, IT=(490, 10, 5000), anywhere=1500)
    assert _priced(shop, quantity=2, now=now).shipping_minor == 510
    assert _priced(shop, country="JP", now=now).shipping_minor == 1500
    assert _priced(shop, minor=5000, now=now).shipping_minor == 0


def test_a_shop_with_rates_does_not_send_where_it_has_none(shop, now):
    sends(shop, IT=490)
    assert not _priced(shop, country="FR", now=now).is_available


def test_a_shop_that_stopped_offering_its_ways_does_not_send_for_free(shop, now):
    sends(shop, IT=490, is_active=False)
    assert not _priced(shop, now=now).is_available


def test_a_categorys_tax_goes_before_the_general_one(shop, now):
    books = CategoryFactory(slug="books", name="Books")
    tax("IT", 2200)
    tax("IT", 400, category=books)
    assert _priced(shop, now=now).lines[0].tax.bps == 2200
    assert _priced(shop, category=books, now=now).lines[0].tax.bps == 400
    assert _priced(shop, category=books, country="FR", now=now).tax_minor == 0


def test_of_several_vouchers_a_shop_takes_the_one_that_gives_most(shop, now):
    voucher(shop, "TEN", bps=1000, now=now)
    voucher(shop, "FIVER", amount_minor=500, now=now)
    priced = _priced(shop, codes=["ten", " FIVER "], now=now)
    assert [(one.reduction.code, one.discount_minor) for one in priced.vouchers] == [("FIVER", 500)]


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"starts_at": 1}, "not count yet"),
        ({"ends_at": -1}, "is over"),
        ({"most_uses": 3, "used": 3}, "used up"),
        ({"min_minor": 2000}, "counts from €20.00"),
    ],
    ids=["early", "late", "used", "small"],
)
def test_a_code_that_does_not_count_says_why_and_takes_nothing_off(shop, now, fields, why):
    made = voucher(shop, bps=1000, now=now)
    for name, value in fields.items():
        setattr(made, name, now + timedelta(seconds=value) if name.endswith("_at") else value)
    made.save()
    with pytest.raises(VoucherRefused) as refused:
        _priced(shop, codes=["SPRING"], is_strict=True, now=now)
    assert why in str(refused.value)
    assert _priced(shop, codes=["SPRING"], now=now).discount_minor == 0


def test_another_shops_code_is_not_known_here(shop, now):
    voucher(ShopFactory(), bps=1000, now=now)
    with pytest.raises(VoucherRefused) as refused:
        _priced(shop, codes=["SPRING"], is_strict=True, now=now)
    assert "not known" in str(refused.value)


def test_codes_are_one_more_query(shop, now, django_assert_num_queries):
    sends(shop, IT=490)
    with django_assert_num_queries(3):
        _priced(shop, now=now)
    voucher(shop, bps=1000, now=now)
    with django_assert_num_queries(4):
        _priced(shop, codes=["SPRING"], now=now)
