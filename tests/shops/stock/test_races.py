"""Real threads, real transactions: never oversold, never deadlocked, and what the guard is for."""

import random
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import connection

from shops.facts.refused import Refused
from shops.stock import batcher
from shops.stock.models import Hold, HoldState, Stock, StockMovement
from shops.stock.queries import database_now
from shops.stock.reserving import Kept
from shops.stock.services import (
    BelowReserved,
    HoldExpired,
    OutOfStock,
    Wanted,
    commit,
    expire_due,
    hold,
    release,
    set_on_hand,
)
from tests.factories.catalog import SkuFactory

pytestmark = pytest.mark.django_db(transaction=True)
TTL = timedelta(minutes=10)
BUYERS = 200
UNITS = 20
AT_ONCE = 24  # connections; PostgreSQL has 100


def race(actions, at_once=AT_ONCE):
    """Run the actions on threads that start together; return the results and refusals."""
    ready = threading.Barrier(at_once)
    started = threading.local()

    def run(action):
        if not hasattr(started, "is"):
            setattr(started, "is", True)
            connection.ensure_connection()
            ready.wait(timeout=30)
        try:
            return action()
        except Refused as refused:
            return refused

    def close(_):
        ready.wait(timeout=30)
        connection.close()

    with ThreadPoolExecutor(at_once) as pool:
        results = list(pool.map(run, actions))
        list(pool.map(close, range(at_once)))
    return results


def buyers_of(sku, now, count=BUYERS):
    return [
        lambda: hold(wanted=[Wanted(uuid.uuid4(), sku.pk, 1)], now=now, ttl=TTL)
        for _ in range(count)
    ]


def test_200_buyers_of_20_units_get_exactly_20(now):
    sku = SkuFactory(on_hand=UNITS)

    results = race(buyers_of(sku, now))

    assert sum(isinstance(one, list) for one in results) == UNITS
    assert sum(isinstance(one, OutOfStock) for one in results) == BUYERS - UNITS
    stock = Stock.objects.get(sku=sku)
    assert (stock.reserved, stock.available) == (UNITS, 0)
    assert 1 <= stock.rev <= UNITS  # many are reserved by one change
    assert Hold.objects.count() == UNITS
    assert StockMovement.objects.filter(kind="held").count() == UNITS


def test_control_without_the_guard_the_same_race_oversells(now, monkeypatch):
    """The same buyers, but stock is read first and written later."""
    sku = SkuFactory(on_hand=UNITS)
    together = threading.Barrier(AT_ONCE)

    def read_then_write(ask):
        [one] = ask.wanted
        stock = Stock.objects.get(sku_id=one.sku_id)
        if stock.available < one.quantity:
            raise OutOfStock
        if stock.reserved == 0:
            together.wait(timeout=30)  # all first ones have read before one of them writes
        Stock.objects.filter(sku_id=one.sku_id).update(reserved=stock.reserved + one.quantity)
        made = Hold.objects.create(
            id=one.hold_id, sku_id=one.sku_id, quantity=one.quantity, expires_at=now + ask.ttl
        )
        return [Kept(one.hold_id, one.sku_id, None, 1, made.state, made.expires_at, now)]

    monkeypatch.setattr(batcher, "keep", read_then_write)

    results = race(buyers_of(sku, now))

    assert sum(isinstance(one, list) for one in results) > UNITS


def test_the_same_request_many_times_at_once_is_one_hold(now):
    sku = SkuFactory(on_hand=9)
    wanted = [Wanted(uuid.uuid4(), sku.pk, 2)]

    results = race([lambda: hold(wanted=wanted, now=now, ttl=TTL)] * AT_ONCE)

    assert {one[0].pk for one in results} == {wanted[0].hold_id}
    assert Stock.objects.get(sku=sku).reserved == 2
    assert StockMovement.objects.filter(kind="held").count() == 1


def test_two_skus_in_opposite_order_do_not_deadlock(now):
    one, two = SkuFactory(on_hand=1000), SkuFactory(on_hand=1000)

    def both(first, second):
        return hold(
            wanted=[Wanted(uuid.uuid4(), first.pk, 1), Wanted(uuid.uuid4(), second.pk, 1)],
            now=now,
            ttl=TTL,
        )

    pairs = [(one, two), (two, one)] * 60
    race([lambda pair=pair: both(*pair) for pair in pairs], at_once=12)

    assert set(Stock.objects.values_list("reserved", flat=True)) == {120}


def test_holding_and_letting_go_at_once_do_not_deadlock(now):
    skus = [SkuFactory(on_hand=500) for _ in range(3)]

    def come_and_go(turn):
        order = skus[turn % 3 :] + skus[: turn % 3]
        held = hold(wanted=[Wanted(uuid.uuid4(), sku.pk, 1) for sku in order], now=now, ttl=TTL)
        release(hold_ids=[one.pk for one in reversed(held)], now=now)

    race([lambda turn=turn: come_and_go(turn) for turn in range(90)], at_once=12)

    assert set(Stock.objects.values_list("reserved", flat=True)) == {0}
    assert set(Hold.objects.values_list("state", flat=True)) == {HoldState.RELEASED}


def test_a_hold_is_either_committed_or_expired_and_swept_once(now):
    """Sweepers and buyers meet on holds that run out during the race."""
    sku = SkuFactory(on_hand=60)
    ids = [uuid.uuid4() for _ in range(60)]
    hold(
        wanted=[Wanted(one, sku.pk, 1) for one in ids],
        now=now,
        ttl=timedelta(milliseconds=300),
    )

    def pay(one):
        commit(hold_ids=[one], now=now)
        return "paid"

    def sweep():
        return expire_due(now=database_now(), limit=7)

    actions = [action for one in ids for action in (lambda one=one: pay(one), sweep)]
    results = race(actions, at_once=12)
    while expire_due(now=database_now() + timedelta(seconds=1)):
        pass

    states = list(Hold.objects.values_list("state", flat=True))
    committed = states.count(HoldState.COMMITTED)
    assert committed + states.count(HoldState.EXPIRED) == 60
    assert results.count("paid") == committed
    assert sum(isinstance(one, HoldExpired) for one in results) == 60 - committed
    assert Stock.objects.get(sku=sku).reserved == committed


def test_a_count_that_moves_under_a_race_never_breaks_it(now):
    """Sold out is an answer; a constraint of the database's that refuses is a failure."""
    skus = [SkuFactory(on_hand=12) for _ in range(3)]
    picks = random.Random(7)
    until = time.monotonic() + 4

    def buy():
        while time.monotonic() < until:
            wanted = [
                Wanted(uuid.uuid4(), sku.pk, picks.randint(1, 3))
                for sku in picks.sample(skus, picks.randint(1, 3))
            ]
            with suppress(OutOfStock):
                hold(wanted=wanted, now=now, ttl=TTL)
                release(hold_ids=[one.hold_id for one in wanted], now=now)

    def count():
        while time.monotonic() < until:
            with suppress(BelowReserved):
                counts = {sku.pk: picks.randint(4, 12) for sku in picks.sample(skus, 2)}
                set_on_hand(counts=counts, now=now)

    race([buy] * 10 + [count] * 2, at_once=12)
    assert set(Stock.objects.values_list("reserved", flat=True)) == {0}
