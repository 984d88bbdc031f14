"""What shops change is told to the pages of every show that somebody may sit in."""

import pytest
from django.db import transaction
from procrastinate.contrib.django import app

from shops.catalog.models import Sku
from shops.catalog.services import set_price
from shops.facts.publishing import publish
from shops.feeds.events import FeedImported
from tests.creators.stage.test_replay import World, replay

pytestmark = pytest.mark.django_db(transaction=True)


def test_stock_that_moves_before_a_show_and_after_it_is_told(reducer):
    world = World(state="scheduled")
    old = {name: world.snapshots(user) for name, user in world.pages().items()}
    world.move_stock()
    world.start()
    world.end()
    world.move_stock(1)

    told, _ = replay(reducer, world, old)

    assert "stock" in told


@pytest.mark.parametrize("state", ["scheduled", "live"])
@pytest.mark.parametrize("is_imported", [False, True], ids=["price", "feed"])
def test_a_price_that_changes_is_told_to_open_pages(reducer, state, is_imported):
    world = World(state=state)
    old = {name: world.snapshots(user) for name, user in world.pages().items()}
    sku = world.skus[0]
    if is_imported:
        Sku.objects.filter(pk=sku.pk).update(price_minor=777)
        with transaction.atomic():
            publish(FeedImported(import_id=1, shop_id=sku.product.shop_id))
    else:
        set_price(sku_id=sku.pk, price_minor=777, compare_at_minor=None, now=world.now())
    with app.replace_connector(app.connector.get_worker_connector()) as worker_app:
        worker_app.run_worker(queues=["facts"], wait=False, listen_notify=False)

    told, _ = replay(reducer, world, old)

    assert "bag_changed" in told
