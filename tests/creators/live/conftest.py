"""A show that bob hosts, with one product of carol's in its bag."""

import pytest

from tests.factories.catalog import ProductFactory, ShopFactory, SkuFactory
from tests.factories.creators import LiveSessionFactory, PieceProductFactory


@pytest.fixture
def product(shop):
    product = ProductFactory(shop=shop, title="Silk scarf")
    SkuFactory(product=product, options=["red"])
    return product


@pytest.fixture
def other_product(shop):
    product = ProductFactory(shop=shop, title="Linen shirt")
    SkuFactory(product=product, options=[])
    return product


@pytest.fixture
def foreign_product(db):
    """A product of a shop that is not bob's partner."""
    product = ProductFactory(shop=ShopFactory(), title="Somebody else's hat")
    SkuFactory(product=product, options=[])
    return product


@pytest.fixture
def show(bob, product):
    """Bob's live show."""
    session = LiveSessionFactory(piece__creator=bob.creator)
    PieceProductFactory(piece=session.piece, product=product, position=1)
    return session
