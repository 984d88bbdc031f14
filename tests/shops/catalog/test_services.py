"""Archiving, restoring and pricing."""

from datetime import timedelta

import pytest

from shops.catalog.models import Product, Sku
from shops.catalog.services import BadPrice, archive_product, restore_product, set_price
from shops.facts.models import Event
from shops.facts.refused import NotFound
from tests.factories.catalog import ProductFactory, SkuFactory

pytestmark = pytest.mark.django_db


def test_archiving_is_told_once(now):
    product = ProductFactory()

    assert archive_product(product_id=product.pk, now=now)
    assert not archive_product(product_id=product.pk, now=now)

    assert Product.objects.get().status == Product.Status.ARCHIVED
    [event] = Event.objects.filter(kind="ProductArchived")
    assert event.payload == {"product_id": product.pk, "shop_id": product.shop_id}


def test_restoring_brings_back_only_what_is_archived(now):
    product = ProductFactory(status=Product.Status.DRAFT)

    assert not restore_product(product_id=product.pk, now=now)
    archive_product(product_id=product.pk, now=now)
    assert restore_product(product_id=product.pk, now=now)

    assert Product.objects.get().status == Product.Status.ACTIVE


@pytest.mark.parametrize("change", [archive_product, restore_product])
def test_a_product_that_does_not_exist(now, change):
    with pytest.raises(NotFound):
        change(product_id=999_999_999, now=now)


def test_a_new_price(now):
    sku = SkuFactory(price_minor=1990)
    later = now + timedelta(hours=1)

    assert set_price(sku_id=sku.pk, price_minor=1490, compare_at_minor=1990, now=later)
    assert not set_price(sku_id=sku.pk, price_minor=1490, compare_at_minor=1990, now=now)

    changed = Sku.objects.get()
    assert (changed.price_minor, changed.compare_at_minor) == (1490, 1990)
    assert Product.objects.get().updated_at == later


@pytest.mark.parametrize(("price", "before"), [(-1, None), (10**8, None), (100, -1), (100, 10**9)])
def test_absurd_prices_are_refused(now, price, before):
    sku = SkuFactory(price_minor=1990)

    with pytest.raises(BadPrice):
        set_price(sku_id=sku.pk, price_minor=price, compare_at_minor=before, now=now)

    assert Sku.objects.get().price_minor == 1990


def test_pricing_a_sku_that_does_not_exist(now):
    with pytest.raises(NotFound):
        set_price(sku_id=999_999_999, price_minor=1, compare_at_minor=None, now=now)
