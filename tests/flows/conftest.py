"""A show that is on, ready to sell."""

from datetime import UTC, datetime

import pytest

from creators.live import services as live
from creators.profiles.models import Creator
from tests.factories.accounts import AddressFactory, UserFactory
from tests.factories.catalog import ProductFactory, SkuFactory


@pytest.fixture
def buyers():
    """buyers(n) makes n users who could order at once."""

    def make(count):
        users = [UserFactory() for _ in range(count)]
        for user in users:
            AddressFactory(user=user)
        return users

    return make


@pytest.fixture
def show(site, bob, shop):
    """Bob is live with one product in his bag: `show.product`, `show.sku` (10 units)."""
    creator = Creator.objects.get(user=bob)
    now = datetime.now(UTC)
    product = ProductFactory(shop=shop, title="Blue lamp")
    sku = SkuFactory(product=product, on_hand=10, options=[])
    session = live.schedule_show(
        creator=creator,
        title="Lamps at night",
        scheduled_at=now,
        product_ids=[product.pk],
        now=now,
    )
    live.start_show(piece_id=session.pk, by=bob, now=now)
    session.product, session.sku = product, sku
    return session
