"""An import during a sale: no buyer and no seller's edit deadlocks with it."""

import pytest

from shops.stock.models import Stock
from shops.stock.services import edit_sku
from tests.between import come_between
from tests.factories.catalog import SkuFactory
from tests.shops.feeds.conftest import one

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_import_takes_skus_in_key_order_whatever_the_feeds_order(load, shop):
    load([one("first"), one("second")])
    low, high = Stock.objects.order_by("sku_id")

    come_between(
        lambda: load([one("second", qty="7"), one("first", qty="8")]), first=low, then=high
    )

    assert list(Stock.objects.order_by("sku_id").values_list("on_hand", flat=True)) == [8, 7]


def test_a_sellers_edit_takes_the_product_before_its_sku_as_an_import_does(shop, now):
    sku = SkuFactory(product__shop=shop)

    come_between(
        lambda: edit_sku(sku_id=sku.pk, on_hand=5, price_minor=100, compare_at_minor=None, now=now),
        first=sku.product,
        then=sku,
    )

    sku.refresh_from_db()
    assert sku.price_minor == 100
