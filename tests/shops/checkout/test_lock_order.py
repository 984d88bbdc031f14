"""The sweeper stands in no buyer's way, whatever it sweeps."""

from datetime import timedelta

import pytest

from shops.checkout import services
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
