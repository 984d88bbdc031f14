"""Setting and adding units on hand."""

import uuid
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from shops.facts.models import Event
from shops.facts.refused import NotFound
from shops.stock import queries
from shops.stock.models import Stock
from shops.stock.services import (
    BadCount,
    BelowReserved,
    Wanted,
    hold,
    receive,
    set_on_hand,
)
from tests.factories.catalog import SkuFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def sku(db):
    return SkuFactory(on_hand=5)


def row(sku):
    stock = Stock.objects.get(sku=sku)
    return stock.on_hand, stock.reserved, stock.rev


def keep(sku, quantity, now):
    hold(wanted=[Wanted(uuid.uuid4(), sku.pk, quantity)], now=now, ttl=timedelta(minutes=10))


def test_a_new_count_is_told(sku, now):
    assert set_on_hand(counts={sku.pk: 7}, now=now) == 1

    assert row(sku) == (7, 0, 1)
    assert Event.objects.get(kind="StockChanged").payload["on_hand"] == 7


def test_the_same_count_changes_nothing(sku, now):
    assert set_on_hand(counts={sku.pk: 5}, now=now) == 0

    assert row(sku) == (5, 0, 0)
    assert not Event.objects.exists()


def test_never_below_what_is_reserved_and_then_none_of_the_others(sku, now):
    other = SkuFactory(on_hand=5)
    keep(sku, 3, now)

    with pytest.raises(BelowReserved) as refused:
        set_on_hand(counts={other.pk: 9, sku.pk: 2}, now=now)

    assert refused.value.extra["short"] == [{"sku_id": sku.pk, "reserved": 3}]
    assert row(other)[0] == 5
    assert set_on_hand(counts={sku.pk: 3}, now=now) == 1
    assert queries.available(sku_ids=[sku.pk]) == {sku.pk: 0}


@pytest.mark.parametrize("units", [-1, 1_000_001, 10**12])
def test_absurd_counts_are_refused(sku, now, units):
    with pytest.raises(BadCount):
        set_on_hand(counts={sku.pk: units}, now=now)

    assert row(sku)[0] == 5


def test_a_first_count_makes_the_row(sku, now):
    Stock.objects.filter(sku=sku).delete()

    assert set_on_hand(counts={sku.pk: 4}, now=now) == 1
    assert row(sku) == (4, 0, 0)


def test_receiving_adds(sku, now):
    assert receive(sku_id=sku.pk, quantity=3, now=now) == 8
    assert row(sku) == (8, 0, 1)


@pytest.mark.parametrize("quantity", [0, -1, 10**6])
def test_receiving_nothing_or_too_much_is_refused(sku, now, quantity):
    with pytest.raises(BadCount):
        receive(sku_id=sku.pk, quantity=quantity, now=now)


def test_receiving_for_a_sku_that_is_not_there(now):
    with pytest.raises(NotFound):
        receive(sku_id=999_999_999, quantity=1, now=now)


def test_available_counts_a_sku_without_stock_as_none(sku):
    assert queries.available(sku_ids=[sku.pk, 0]) == {sku.pk: 5, 0: 0}


def test_the_database_itself_refuses_more_reserved_than_there_is(sku):
    with pytest.raises(IntegrityError), transaction.atomic():
        Stock.objects.filter(sku=sku).update(reserved=6)
