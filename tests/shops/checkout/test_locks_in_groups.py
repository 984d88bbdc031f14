"""A lock that somebody keeps for long stops a group, not all who come behind it."""

import threading

import pytest
from django.db import DataError, connection, transaction

from shops.checkout import services
from shops.checkout.owner import CartOwner
from shops.checkout.services import quotes
from shops.checkout.services.starting import Asked
from shops.facts import batching
from shops.facts.postgresql.base import DatabaseWrapper
from shops.facts.refused import Refused
from shops.payments import applying
from shops.stock.models import Stock
from tests.factories.accounts import UserFactory
from tests.factories.catalog import SkuFactory
from tests.factories.checkout import quote_for
from tests.shops.payments.test_apply_together import asked, expired, plain

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE_SECONDS = 10.0


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(batching, "LOCK_SECONDS", 0.05)


class Keeper:
    """Keeps a SKU's stock locked."""

    def __init__(self, **which):
        self.which, self.has, self.end = which, threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        try:
            with transaction.atomic():
                list(Stock.objects.select_for_update().filter(**self.which))
                self.has.set()
                self.end.wait(60)
        finally:
            connection.close()

    def __enter__(self):
        self.thread.start()
        assert self.has.wait(5)

    def __exit__(self, *error):
        self.end.set()
        self.thread.join()


@pytest.fixture
def batcher_of():
    """Make batchers like those of the rooms, which the test ends."""
    made = []

    def make(take):
        made.append(batching.Batcher(take, name="a-test-batcher"))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_quotes_do_not_wait_without_end_for_what_an_old_quote_kept(now, batcher_of):
    mug, lamp = SkuFactory(on_hand=9), SkuFactory(on_hand=9)
    one, other = UserFactory(), UserFactory()
    quote_for(one, mug, now=now)
    for who in (one, other):
        services.add_to_cart(owner=CartOwner(user_id=who.pk), sku_id=lamp.pk, quantity=1, now=now)
    batcher = batcher_of(quotes.batcher._do)
    with Keeper(sku=mug):
        first = batcher.submit(Asked(one.pk, "IT", now, "en"))
        assert isinstance(first.exception(PATIENCE_SECONDS), Refused)
        second = batcher.submit(Asked(other.pk, "IT", now, "en"))
        assert second.result(PATIENCE_SECONDS)


def test_payments_do_not_wait_without_end_for_one_that_goes_alone(now, settings, batcher_of):
    late, fine = expired(now, settings), plain(now, settings)
    sku_id = late.purchase.orders.first().lines.first().sku_id
    batcher = batcher_of(applying.take)
    with Keeper(sku_id=sku_id):
        first = batcher.submit(asked(late, "succeeded", now))
        assert isinstance(first.exception(PATIENCE_SECONDS), Refused)
        second = batcher.submit(asked(fine, "succeeded", now))
        assert second.result(PATIENCE_SECONDS)


def test_the_pools_next_user_waits_as_long_as_it_takes():
    options = connection.settings_dict["OPTIONS"] | {"pool": {"min_size": 1, "max_size": 1}}
    wrapper = DatabaseWrapper(connection.settings_dict | {"OPTIONS": options}, alias="default")

    def patience():
        with wrapper.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid(), current_setting('lock_timeout')")
            found = cursor.fetchone()
        wrapper.close()
        return found

    try:
        wrapper.lock_seconds = 0.05
        process, limit = patience()
        assert limit == "50ms"
        wrapper.lock_seconds = None
        assert patience() == (process, "0")
        # Whatever the transaction's end.
        wrapper.lock_seconds = 0.05
        wrapper.connect()
        with pytest.raises(DataError):
            wrapper.cursor().execute("BEGIN; SELECT 1 / 0")
        wrapper.close()
        wrapper.lock_seconds = None
        assert patience()[1] == "0"
    finally:
        wrapper.close_pool()
