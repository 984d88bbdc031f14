"""Batches on a real PostgreSQL: never oversold, nothing lost, nothing twice, and nobody stuck."""

import random
import threading
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial

import pytest
from django.db import OperationalError, connection, transaction

from shops.facts.batching import Batcher, Heat
from shops.facts.models import Event
from shops.stock import batcher as batching
from shops.stock import reserving
from shops.stock.batcher import Busy
from shops.stock.models import Hold, Stock, StockMovement
from shops.stock.reserving import Ask, HoldMismatch, OutOfStock, Wanted, reserve
from shops.stock.services import hold, release
from tests.factories.catalog import SkuFactory

pytestmark = pytest.mark.django_db(transaction=True)
TTL = timedelta(minutes=10)


def plainly(asks, then):
    """Reserve as the batcher does, without telling browsers."""
    reserve(asks, then=then, show=lambda fact: None)


@contextmanager
def running(reserve=plainly, **options):
    batcher = Batcher(reserve, name="test", busy=Busy, **options)
    try:
        yield batcher
    finally:
        batcher.close()


def held_units(sku):
    return sum(Hold.objects.filter(sku=sku).values_list("quantity", flat=True))


def test_two_processes_grant_exactly_what_there_is_and_nobody_is_refused_too_early(now):
    """Every id is asked for twice, of both batchers; quantities differ."""
    sku, picks = SkuFactory(on_hand=150), random.Random(5)
    asks = [
        Ask([Wanted(uuid.uuid4(), sku.pk, picks.choice([1, 1, 2, 3, 50]))], TTL, now)
        for _ in range(200)
    ]
    with running(at_most=7) as one, running(at_most=9) as other:
        futures = [(ask, door.submit(ask)) for ask in asks for door in (one, other)]
        outcomes = {}
        for ask, future in futures:
            outcomes.setdefault(ask.wanted[0], []).append(type(future.exception(20)))

    left = Stock.objects.get(sku=sku).available
    granted = {wanted for wanted, ends in outcomes.items() if type(None) in ends}
    assert {end for ends in outcomes.values() for end in ends} == {type(None), OutOfStock}
    assert {(row.id, row.quantity) for row in Hold.objects.all()} == {
        (wanted.hold_id, wanted.quantity) for wanted in granted
    }
    assert held_units(sku) == 150 - left
    assert StockMovement.objects.filter(kind="held").count() == len(granted)
    # Nothing came back meanwhile: whoever was refused would still find too few.
    assert min(wanted.quantity for wanted in outcomes.keys() - granted) > left


@pytest.mark.parametrize("is_locked", [True, False])
def test_control_it_is_the_rows_lock_that_keeps_batches_from_overselling(
    now, monkeypatch, is_locked
):
    """Two batches meet between looking and writing; the table's own CHECK is got out of the way."""
    sku, together = SkuFactory(on_hand=8), threading.Barrier(2)
    walk = reserving.walk

    def meet_and_walk(*arguments, **options):
        with suppress(threading.BrokenBarrierError):
            together.wait(0.3)
        return walk(*arguments, **options)

    monkeypatch.setattr(reserving, "walk", meet_and_walk)
    capped = reserving._WRITE.replace(
        "reserved = s.reserved + d.quantity", "reserved = least(s.on_hand, s.reserved + d.quantity)"
    )
    assert capped != reserving._WRITE
    monkeypatch.setattr(reserving, "_WRITE", capped)
    if not is_locked:
        monkeypatch.setattr(reserving, "_LOCK", reserving._LOCK.replace("FOR UPDATE OF s", ""))
    with running() as one, running() as other:
        for door in (one, other):
            for _ in range(12):
                door.submit(Ask([Wanted(uuid.uuid4(), sku.pk, 1)], TTL, now))
    if is_locked:
        assert held_units(sku) == 8
    else:
        assert held_units(sku) > 8


def test_carts_in_opposite_order_and_hot_batches_do_not_deadlock(now):
    first, second = SkuFactory(on_hand=1000), SkuFactory(on_hand=1000)
    one_of_each = [(first, second), (second, first), (second,), (first,)] * 15

    def cart(door, skus):
        wanted = [Wanted(uuid.uuid4(), sku.pk, 1) for sku in skus]
        if door is None:
            hold(wanted=wanted, now=now, ttl=TTL)
        else:
            door.wait_for(Ask(wanted, TTL, now))
        return wanted

    def come_and_go(doors, part):
        try:
            for number in range(part, 60, 6):
                wanted = cart(doors[number % 3], one_of_each[number])
                if number % 4 == 0:
                    release(hold_ids=[one.hold_id for one in reversed(wanted)], now=now)
        finally:
            connection.close()

    with (
        running(at_most=3) as one,
        running(at_most=2) as other,
        ThreadPoolExecutor(6) as pool,
    ):
        list(pool.map(partial(come_and_go, [one, None, other]), range(6)))
    assert set(Stock.objects.values_list("reserved", flat=True)) == {30}


def terminate_this_connection():
    """Have PostgreSQL end the connection of this thread, and wait until it has."""
    with connection.cursor() as cursor, suppress(OperationalError):
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")


@pytest.mark.parametrize("moment", ["before the write", "before the commit", "after the commit"])
def test_a_connection_that_dies_in_a_batch_loses_nothing_and_doubles_nothing(
    now, monkeypatch, moment
):
    sku = SkuFactory(on_hand=5)
    died = []

    def die_once():
        if not died:
            died.append(moment)
            terminate_this_connection()

    def dying(asks, then):
        if moment == "after the commit" and not died:
            plainly(asks, lambda answers: None)
            die_once()
            raise OperationalError("server closed the connection unexpectedly")
        plainly(asks, then)

    write = reserving._write

    def write_and_die(new, *arguments, **options):
        if moment == "before the write":
            die_once()
        facts = write(new, *arguments, **options)
        if moment == "before the commit":
            die_once()
        return facts

    monkeypatch.setattr(reserving, "_write", write_and_die)
    with running(dying, at_most=8, every_seconds=0.05) as batcher:
        futures = [
            batcher.submit(Ask([Wanted(uuid.uuid4(), sku.pk, 1)], TTL, now)) for _ in range(8)
        ]
    assert died
    ends = Counter(type(future.exception(10)) for future in futures)
    assert ends == {type(None): 5, OutOfStock: 3}
    assert Stock.objects.get(sku=sku).reserved == held_units(sku) == 5
    assert StockMovement.objects.filter(kind="held").count() == 5
    assert {future.result()[0].id for future in futures if not future.exception()} == set(
        Hold.objects.values_list("id", flat=True)
    )


def test_an_id_that_another_took_for_another_sku_spoils_nobody_elses_hold(now):
    """The other transaction is not committed when the batch looks, and is when it writes."""
    mine, theirs = SkuFactory(on_hand=3), SkuFactory(on_hand=3)
    wanted = Wanted(uuid.uuid4(), mine.pk, 1)
    other = Wanted(uuid.uuid4(), mine.pk, 2)
    with running(every_seconds=0) as batcher:
        with transaction.atomic():
            reserve([Ask([Wanted(wanted.hold_id, theirs.pk, 1)], TTL, now)])
            both = batcher.submit(Ask([wanted, other], TTL, now))
            wait_until_blocked()
        assert isinstance(both.exception(10), HoldMismatch)
        assert batcher.submit(Ask([other], TTL, now)).result(10)
    assert held_units(mine) == Stock.objects.get(sku=mine).reserved == 2
    assert held_units(theirs) == 1


def wait_until_blocked():
    with connection.cursor() as cursor:
        for _ in range(500):
            cursor.execute("SELECT count(*), pg_sleep(0.01) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
    raise AssertionError("nobody waits")


def test_a_row_that_somebody_keeps_locked_makes_it_busy(now, monkeypatch):
    monkeypatch.setattr("shops.facts.batching.LOCK_SECONDS", 0.05)
    sku = SkuFactory(on_hand=3)
    ask = Ask([Wanted(uuid.uuid4(), sku.pk, 1)], TTL, now)
    with running() as batcher:
        with transaction.atomic():
            Stock.objects.select_for_update().get(sku=sku)
            assert isinstance(batcher.submit(ask).exception(10), Busy)
        assert batcher.submit(ask).result(10)


def test_a_batch_is_one_change_and_one_fact_of_each_sku(now):
    one, other = SkuFactory(on_hand=50), SkuFactory(on_hand=50)
    shown = []
    with running(
        lambda asks, then: reserve(asks, then=then, show=shown.append),
        at_most=10,
        every_seconds=3600,
    ) as batcher:
        batcher.submit(Ask([Wanted(uuid.uuid4(), one.pk, 1)], TTL, now)).result(10)
        for number in range(10):
            sku = (one, other)[number % 2]
            batcher.submit(Ask([Wanted(uuid.uuid4(), sku.pk, 1)], TTL, now))
    facts = Event.objects.filter(kind="StockChanged").order_by("pk")
    assert [(row.payload["sku_id"], row.payload["available"]) for row in facts] == [
        (one.pk, 49),
        (one.pk, 44),
        (other.pk, 45),
    ]
    assert [fact.rev for fact in shown] == [1, 2, 1]


def test_a_hot_skus_requests_go_by_the_batcher_except_in_a_transaction(now, monkeypatch):
    sku, batches = SkuFactory(on_hand=9), []

    def noted(asks, then):
        batches.append(len(asks))
        plainly(asks, then)

    def one():
        return [Wanted(uuid.uuid4(), sku.pk, 1)]

    with running(noted) as batcher:
        monkeypatch.setattr(batching, "batcher", batcher)
        hold(wanted=one(), now=now, ttl=TTL)
        assert batches == []
        monkeypatch.setattr(batching, "heat", Heat(above=0))
        [kept] = hold(wanted=one(), now=now, ttl=TTL, buyer_id=7)
        assert batches == [1]
        assert kept == Hold.objects.get(pk=kept.pk)
        assert (kept.state, kept.buyer_id, kept.expires_at - kept.created_at) == ("held", 7, TTL)
        with transaction.atomic():
            hold(wanted=one(), now=now, ttl=TTL)
        with pytest.raises(OutOfStock):
            hold(wanted=[Wanted(uuid.uuid4(), sku.pk, 7)], now=now, ttl=TTL)
    assert batches == [1, 1]
    assert Stock.objects.get(sku=sku).reserved == 3
