"""A purchase of two shops' goods, unpaid, with its stock committed."""

import pytest

from shops.orders.services import mark_paid
from tests.factories.catalog import ProductFactory, ShopFactory, SkuFactory
from tests.factories.checkout import purchase_of


@pytest.fixture
def mug(shop):
    """19.90, ten of them."""
    return SkuFactory(product=ProductFactory(shop=shop, title="Mug"), options=["red"])


@pytest.fixture
def scarf(shop):
    """25.00, ten of them; as the mug of carol's shop."""
    product = ProductFactory(shop=shop, title="Scarf")
    return SkuFactory(product=product, price_minor=2500)


@pytest.fixture
def lamp(db):
    """Another shop's: 40.00, ten of them."""
    product = ProductFactory(shop=ShopFactory(name="Lamps"), title="Lamp")
    return SkuFactory(product=product, price_minor=4000)


@pytest.fixture
def purchase(alice, mug, lamp, now):
    return purchase_of(alice, mug, lamp, quantity=2, referral="signed", now=now)


@pytest.fixture
def order(purchase, mug):
    """The order of carol's shop in it."""
    return purchase.orders.get(lines__sku=mug)


@pytest.fixture
def paid(purchase, order, now):
    """The same order, paid, and the shop has it."""
    mark_paid(purchase_id=purchase.pk, now=now)
    order.refresh_from_db()
    return order


@pytest.fixture
def remorse(settings):
    """An hour in which buyers cancel freely."""
    settings.REMORSE_SECONDS = 3600
