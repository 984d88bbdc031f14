"""Holding units: all or none, once per id, never more than there are."""

import uuid
from datetime import timedelta

import pytest

from shops.facts.models import Event
from shops.stock.models import Hold, HoldState, Stock, StockMovement
from shops.stock.services import (
    BadQuantity,
    HoldMismatch,
    OutOfStock,
    Wanted,
    expire_due,
    hold,
)
from tests.factories.catalog import SkuFactory

pytestmark = pytest.mark.django_db
TTL = timedelta(minutes=10)


def want(sku, quantity, hold_id=None):
    return Wanted(hold_id or uuid.uuid4(), sku.pk, quantity)


def test_reserves_and_says_so(now):
    sku = SkuFactory(on_hand=5)

    [held] = hold(wanted=[want(sku, 2)], now=now, ttl=TTL)

    assert (held.state, held.quantity) == (HoldState.HELD, 2)
    stock = Stock.objects.get(sku=sku)
    assert (stock.on_hand, stock.reserved, stock.rev) == (5, 2, 1)
    assert Event.objects.get(kind="StockChanged").payload == {
        "sku_id": sku.pk,
        "product_id": sku.product_id,
        "available": 3,
        "on_hand": 5,
        "rev": 1,
    }
    [movement] = StockMovement.objects.filter(hold_id=held.pk)
    assert (movement.kind, movement.quantity, movement.held, movement.at) == ("held", 2, 2, now)


def test_the_last_unit_can_be_held_and_not_one_more(now):
    sku = SkuFactory(on_hand=3)
    hold(wanted=[want(sku, 3)], now=now, ttl=TTL)

    with pytest.raises(OutOfStock) as refused:
        hold(wanted=[want(sku, 1)], now=now, ttl=TTL)

    assert refused.value.extra["sku_id"] == sku.pk
    assert refused.value.extra["left"] == 0


def test_one_short_sku_means_none_is_held(now):
    plenty, few = SkuFactory(on_hand=9), SkuFactory(on_hand=1)

    with pytest.raises(OutOfStock) as refused:
        hold(wanted=[want(plenty, 2), want(few, 2)], now=now, ttl=TTL)

    assert refused.value.extra["short"] == [{"sku_id": few.pk, "left": 1}]
    assert not Hold.objects.exists()
    assert not Event.objects.exists()
    assert set(Stock.objects.values_list("reserved", "rev")) == {(0, 0)}


def test_demand_of_two_holds_of_a_sku_is_summed(now):
    sku = SkuFactory(on_hand=3)

    with pytest.raises(OutOfStock):
        hold(wanted=[want(sku, 2), want(sku, 2)], now=now, ttl=TTL)
    first, second = hold(wanted=[want(sku, 2), want(sku, 1)], now=now, ttl=TTL)

    assert (first.quantity, second.quantity) == (2, 1)
    assert Stock.objects.get(sku=sku).reserved == 3


def test_the_same_id_again_is_the_same_hold(now):
    sku = SkuFactory(on_hand=2)
    wanted = [want(sku, 2)]

    first = hold(wanted=wanted, now=now, ttl=TTL)
    second = hold(wanted=wanted, now=now, ttl=TTL)

    assert first == second
    assert Stock.objects.get(sku=sku).reserved == 2
    assert StockMovement.objects.filter(kind="held").count() == 1


def test_a_retry_with_one_more_hold_reserves_only_that_one(now):
    sku = SkuFactory(on_hand=5)
    old = want(sku, 2)
    hold(wanted=[old], now=now, ttl=TTL)

    hold(wanted=[old, want(sku, 1)], now=now, ttl=TTL)

    assert Stock.objects.get(sku=sku).reserved == 3


@pytest.mark.parametrize("other", ["sku", "quantity"])
def test_the_same_id_for_something_else_is_refused(now, other):
    sku = SkuFactory()
    wanted = want(sku, 2)
    hold(wanted=[wanted], now=now, ttl=TTL)
    changed = (
        want(SkuFactory(), 2, wanted.hold_id) if other == "sku" else want(sku, 3, wanted.hold_id)
    )

    with pytest.raises(HoldMismatch):
        hold(wanted=[changed], now=now, ttl=TTL)

    assert list(Hold.objects.values_list("sku_id", "quantity")) == [(sku.pk, 2)]


def test_one_id_cannot_stand_for_two_holds_of_a_call(now):
    wanted = want(SkuFactory(), 1)

    with pytest.raises(HoldMismatch):
        hold(wanted=[wanted, wanted], now=now, ttl=TTL)


@pytest.mark.parametrize("quantity", [0, -1, 100, 10**9, 10**30])
def test_absurd_quantities_are_refused(now, quantity):
    sku = SkuFactory()

    with pytest.raises(BadQuantity):
        hold(wanted=[want(sku, quantity)], now=now, ttl=TTL)

    assert Stock.objects.get(sku=sku).reserved == 0


def test_a_sku_that_does_not_exist_has_none_left(now):
    with pytest.raises(OutOfStock) as refused:
        hold(wanted=[Wanted(uuid.uuid4(), 999_999_999, 1)], now=now, ttl=TTL)

    assert refused.value.extra["left"] == 0


def test_the_databases_clock_decides_when_it_runs_out(now):
    wrong = now + timedelta(hours=3)
    [held] = hold(wanted=[want(SkuFactory(), 1)], now=wrong, ttl=TTL)

    assert abs(held.expires_at - (now + TTL)) < timedelta(minutes=1)


def test_an_expired_hold_stays_what_it_was_for_its_id(now):
    wanted = [want(SkuFactory(on_hand=1), 1)]
    hold(wanted=wanted, now=now, ttl=TTL)
    expire_due(now=now + timedelta(hours=1))

    [again] = hold(wanted=wanted, now=now, ttl=TTL)

    assert again.state == HoldState.EXPIRED
