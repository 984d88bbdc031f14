"""What sellers set, and counting the uses of vouchers."""

import threading
import uuid
from datetime import timedelta

import pytest
from django.db import connection

from shops.facts.models import Event
from shops.facts.refused import NotFound
from shops.pricing import services
from shops.pricing.models import Deal, Voucher
from shops.pricing.queries import deals_of
from tests.factories.catalog import ShopFactory, SkuFactory
from tests.factories.pricing import deal, sends, voucher

pytestmark = pytest.mark.django_db


def _use(made, buyer, now, purchase=None):
    services.use_vouchers(
        discounts={made.pk: 100}, buyer_id=buyer.pk, purchase_id=purchase or uuid.uuid4(), now=now
    )


def test_the_lowest_running_deal_counts_and_others_do_not(shop, now):
    sku = SkuFactory(product__shop=shop)
    first, lowest = deal(sku, 1500, now=now), deal(sku, 1200, now=now)
    assert deals_of(sku_ids=[sku.pk], now=now) == {sku.pk: lowest}
    services.end_deal(shop=shop, deal_id=lowest.pk, now=now)
    assert deals_of(sku_ids=[sku.pk], now=now) == {sku.pk: first}
    assert deals_of(sku_ids=[sku.pk], now=now + timedelta(days=1)) == {}
    assert Event.objects.filter(kind="DealChanged").count() == 3


def test_a_deal_that_has_not_begun_can_be_ended(shop, now):
    sku = SkuFactory(product__shop=shop)
    made = services.save_deal(
        shop=shop,
        sku_id=sku.pk,
        price_minor=1000,
        starts_at=now + timedelta(hours=1),
        ends_at=now + timedelta(hours=2),
        now=now,
    )
    services.end_deal(shop=shop, deal_id=made.pk, now=now)
    assert Deal.objects.get().is_over(now)


@pytest.mark.parametrize(("minor", "hours"), [(1990, 1), (0, 1), (1000, -1)])
def test_a_deal_is_lower_and_ends_in_the_future(shop, now, minor, hours):
    sku = SkuFactory(product__shop=shop)
    with pytest.raises(services.BadDeal):
        deal(sku, minor, now=now, hours=hours)
    assert not Deal.objects.exists()


def test_what_is_another_shops_does_not_exist(shop, now):
    theirs = ShopFactory()
    made, sku = voucher(theirs, bps=100, now=now), SkuFactory(product__shop=theirs)
    running, way = deal(sku, 100, now=now), sends(theirs, IT=100)
    for act in (
        lambda: services.end_voucher(shop=shop, voucher_id=made.pk, now=now),
        lambda: services.end_deal(shop=shop, deal_id=running.pk, now=now),
        lambda: sends_over(shop, way),
    ):
        with pytest.raises(NotFound):
            act()


def sends_over(shop, way):
    services.save_method(
        shop=shop,
        method_id=way.pk,
        name="Mine now",
        days_min=1,
        days_max=2,
        is_active=True,
        rates=[services.RateFields("", 0, 0, None)],
    )


def test_uses_are_counted_given_back_once_and_limited_per_buyer(shop, alice, bob, now):
    made = voucher(shop, bps=1000, most_uses=2, most_per_buyer=1, now=now)
    purchase = uuid.uuid4()
    _use(made, alice, now, purchase)
    with pytest.raises(services.VoucherUsedUp):
        _use(made, alice, now)
    _use(made, bob, now)
    with pytest.raises(services.VoucherUsedUp):
        _use(made, bob, now)
    given = {"purchase_id": purchase, "shop_id": shop.pk, "now": now}
    assert services.give_vouchers_back(**given) == 1
    assert services.give_vouchers_back(**given) == 0
    assert Voucher.objects.get().used == 1
    _use(made, alice, now)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_guarded", [True, False], ids=["guarded", "control"])
def test_a_race_for_the_last_use_has_one_winner(shop, alice, bob, now, is_guarded, monkeypatch):
    """Control: counted first and written later, as it must not be, both win."""
    made = voucher(shop, bps=1000, most_uses=1, now=now)
    barrier, wins = threading.Barrier(2), []

    def careless(buyer):
        used = Voucher.objects.get(pk=made.pk).used
        barrier.wait()
        if used < 1:
            Voucher.objects.filter(pk=made.pk).update(used=used + 1)
            wins.append(buyer)

    def careful(buyer):
        barrier.wait()
        _use(made, buyer, now)
        wins.append(buyer)

    def run(buyer):
        try:
            (careful if is_guarded else careless)(buyer)
        except services.VoucherUsedUp:
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[buyer]) for buyer in (alice, bob)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(wins) == (1 if is_guarded else 2)
    assert Voucher.objects.get().used == 1
