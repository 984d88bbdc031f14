"""Group commit: what waits while one batch is committed is the next one."""

import threading
import time
from concurrent.futures import wait
from contextlib import contextmanager
from itertools import count
from types import SimpleNamespace
from typing import NamedTuple

import pytest
from django.db import NotSupportedError, OperationalError
from psycopg.errors import LockNotAvailable

from shops.facts import batching
from shops.facts.batching import Batcher, Busy, Heat, Unavailable, together
from shops.facts.refused import Refused

_numbers = count(1)


class Ask(NamedTuple):
    number: int
    quantity: int


class TooMany(Refused):
    code = "too_many"


def ask(quantity=1):
    return Ask(next(_numbers), quantity)


def granted(asks, then):
    """Grant everybody what they want."""
    then([one.number for one in asks])


class Slow:
    """Takes batches, but each only when it is let."""

    def __init__(self):
        self.batches = []
        self.began = threading.Semaphore(0)
        self.go_on = threading.Semaphore(0)

    def __call__(self, asks, then):
        self.batches.append(list(asks))
        self.began.release()
        self.go_on.acquire()
        granted(asks, then)


@pytest.fixture
def slow():
    return Slow()


@contextmanager
def running(*arguments, **options):
    batcher = Batcher(*arguments, name="test", **options)
    try:
        yield batcher
    finally:
        batcher.close()


def test_what_comes_while_one_is_committed_is_reserved_together(slow):
    with running(slow, at_most=3) as batcher:
        asked = [ask() for _ in range(6)]
        futures = [batcher.submit(asked[0])]
        slow.began.acquire()
        futures += [batcher.submit(one) for one in asked[1:]]
        for _ in range(3):
            slow.go_on.release()
        answers = [future.result(5) for future in futures]

    assert answers == [one.number for one in asked]
    assert slow.batches == [asked[:1], asked[1:4], asked[4:]]


def test_what_comes_right_behind_a_batch_shares_the_next_one():
    batches = []

    def take(asks, then):
        batches.append(len(asks))
        granted(asks, then)

    with running(take, at_most=3, every_seconds=3600) as batcher:
        batcher.submit(ask()).result(5)
        wait([batcher.submit(ask()) for _ in range(3)], timeout=5)
        last = batcher.submit(ask())
        assert batcher.waiting == 1
    assert last.done()
    assert batches == [1, 3, 1]


def test_above_its_measure_it_is_busy_at_once(slow):
    with running(slow, most_waiting=2) as batcher:
        first = batcher.submit(ask())
        slow.began.acquire()
        waiting = [batcher.submit(ask()) for _ in range(2)]
        with pytest.raises(Busy) as refused:
            batcher.submit(ask())
        assert (refused.value.status, refused.value.retry_after) == (503, 1)
        for _ in range(3):
            slow.go_on.release()
        wait([first, *waiting], timeout=5)
        assert batcher.submit(ask()).result(5)
    with pytest.raises(Busy):
        batcher.submit(ask())


def test_who_waited_too_long_for_a_batch_is_refused_and_not_done(slow):
    with running(slow) as batcher:
        first = batcher.submit(ask())
        slow.began.acquire()
        late, other = batcher.submit(ask(), patience=-1), batcher.submit(ask())
        for _ in range(2):
            slow.go_on.release()
        assert isinstance(late.exception(5), Busy)
        assert other.result(5)
        assert first.done()
    assert [len(batch) for batch in slow.batches] == [1, 1]


def test_a_caller_whose_time_is_over_takes_the_request_back(slow):
    with running(slow) as batcher:
        batcher.submit(ask())
        slow.began.acquire()
        with pytest.raises(Busy):
            batcher.wait_for(ask(), patience=0.01)
        assert batcher.waiting == 0
        slow.go_on.release()


def test_a_caller_whose_time_is_over_in_a_batch_does_not_know_how_it_ended(slow):
    with running(slow) as batcher:
        with pytest.raises(Unavailable) as refused:
            batcher.wait_for(ask(), patience=0.1)
        assert refused.value.retry_after
        slow.go_on.release()


def test_a_caller_who_cancelled_harms_nobody(slow):
    with running(slow) as batcher:
        first = batcher.submit(ask())
        slow.began.acquire()
        gone, other = batcher.submit(ask()), batcher.submit(ask())
        assert gone.cancel()
        for _ in range(2):
            slow.go_on.release()
        assert other.result(5)
        assert first.done()


def test_a_refusal_is_its_own_request_only():
    def take(asks, then):
        then([TooMany() if one.quantity > 1 else one.number for one in asks])

    with running(take) as batcher:
        futures = [batcher.submit(ask(quantity=number)) for number in (1, 2, 1)]
    assert [type(one.exception()) for one in futures] == [type(None), TooMany, type(None)]


def test_a_connection_that_was_closed_is_tried_once_more():
    tries = []

    def take(asks, then):
        tries.append([one.number for one in asks])
        if len(tries) == 1:
            raise OperationalError("server closed the connection unexpectedly")
        granted(asks, then)

    with running(take) as batcher:
        assert batcher.submit(ask()).result(5)
    assert tries[0] == tries[1]
    assert len(tries) == 2


def test_a_connection_that_breaks_behind_the_answers_asks_nobody_twice():
    tries = []

    def take(asks, then):
        tries.append(asks)
        granted(asks, then)
        raise OperationalError("server closed the connection unexpectedly")

    with running(take) as batcher:
        assert batcher.submit(ask()).result(5)
    assert len(tries) == 1


def test_one_whose_connection_has_plans_of_an_altered_table_is_tried_once_more():
    tries = []

    def take(asks, then):
        tries.append(asks)
        if len(tries) == 1:
            raise NotSupportedError("cached plan must not change result type")
        granted(asks, then)

    with running(take) as batcher:
        assert batcher.submit(ask()).result(5)
    assert len(tries) == 2


def test_while_postgresql_is_away_everybody_is_told_to_try_again(caplog):
    def take(asks, then):
        raise OperationalError("connection refused")

    with running(take) as batcher:
        futures = [batcher.submit(ask()) for _ in range(3)]
    assert {type(one.exception()) for one in futures} == {Unavailable}
    assert "were not done" in caplog.text


def test_a_row_that_others_keep_locked_makes_it_busy(caplog):
    def take(asks, then):
        raise OperationalError from LockNotAvailable()

    with running(take) as batcher:
        future = batcher.submit(ask())
    assert isinstance(future.exception(), Busy)
    assert "waited too long for a lock" in caplog.text


def test_an_error_of_ours_ends_neither_the_thread_nor_the_waiting(caplog):
    def take(asks, then):
        if asks[0].quantity == 13:
            raise RuntimeError("a mistake")
        granted(asks, then)

    with running(take, at_most=1) as batcher:
        first, second = batcher.submit(ask(quantity=13)), batcher.submit(ask())
        assert isinstance(first.exception(5), Unavailable)
        assert second.result(5)
    assert "a mistake" in caplog.text


def test_a_thread_that_dies_is_followed_by_another(monkeypatch):
    def give_up():
        raise RuntimeError("not even that works")

    def take(asks, then):
        if asks[0].quantity == 13:
            raise OperationalError("server closed the connection unexpectedly")
        granted(asks, then)

    died = threading.Event()
    monkeypatch.setattr(threading, "excepthook", lambda _: died.set())
    with running(take) as batcher:
        with monkeypatch.context() as broken:
            broken.setattr(batching, "connection", SimpleNamespace(close=give_up))
            lost = batcher.submit(ask(quantity=13))
            assert died.wait(5)
        assert isinstance(lost.exception(5), Unavailable)
        assert batcher.submit(ask()).result(5)


def test_one_that_cannot_be_done_is_refused_alone(slow):
    def take(asks, then):
        if any(one.quantity == 13 for one in asks):
            raise RuntimeError("a mistake")
        slow(asks, then)

    with running(take) as batcher:
        first = batcher.submit(ask())
        slow.began.acquire()
        futures = [batcher.submit(ask(quantity=number)) for number in (1, 13, 2)]
        for _ in range(3):
            slow.go_on.release()
        assert first.result(5)
        assert [type(one.exception(5)) for one in futures] == [type(None), Unavailable, type(None)]


class Failed(Refused):
    code = "failed"


def test_a_mistake_of_ours_is_told_as_its_batcher_is_made_to(slow):
    def take(asks, then):
        if any(one.quantity == 13 for one in asks):
            raise RuntimeError("a mistake")
        slow(asks, then)

    with running(take, failed=Failed) as batcher:
        first = batcher.submit(ask())
        slow.began.acquire()
        futures = [batcher.submit(ask(quantity=number)) for number in (1, 13, 2)]
        for _ in range(3):
            slow.go_on.release()
        assert first.result(5)
        assert [type(one.exception(5)) for one in futures] == [type(None), Failed, type(None)]


def test_a_mistake_behind_the_answers_changes_none():
    def take(asks, then):
        granted(asks, then)
        raise RuntimeError("a mistake")

    told = []
    with running(take, failed=Failed) as batcher:
        mine = ask()
        batcher.put(mine, told.append)
    assert told == [mine.number]


def test_one_that_cannot_be_told_harms_nobody(slow, caplog):
    def tell(answer):
        raise RuntimeError("gone")

    with running(slow) as batcher:
        batcher.submit(ask())
        slow.began.acquire()
        batcher.put(ask(), tell)
        batcher.put(ask(), tell, patience=-1)
        other = batcher.submit(ask())
        for _ in range(3):
            slow.go_on.release()
        assert other.result(5)
        assert batcher.submit(ask()).result(5)
    assert len(slow.batches) == 3
    assert "gone" in caplog.text


def test_where_no_thread_can_be_started_the_next_one_tries_again(monkeypatch):
    def cannot(thread):
        raise RuntimeError("can't start new thread")

    with running(granted) as batcher:
        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", cannot)
            with pytest.raises(Busy):
                batcher.submit(ask())
        assert batcher.waiting == 0
        assert batcher.submit(ask()).result(5)


def test_its_thread_ends_when_nobody_asks_and_another_begins():
    with running(granted, idle_seconds=0.01) as batcher:
        for _ in range(2):
            future = batcher.submit(ask())
            thread = batcher._thread
            assert future.result(5)
            thread.join(5)
            assert not thread.is_alive()
            assert batcher._thread is None


def test_a_forked_process_begins_afresh(slow):
    with running(slow) as batcher:
        batcher.submit(ask())
        slow.began.acquire()
        thread, waiting = batcher._thread, batcher._waiting
        batcher.start_afresh()
        assert batcher.waiting == 0
        assert batcher._thread is None
        slow.go_on.release()
        batcher._is_closed = True
        thread.join(5)
    assert waiting is not batcher._waiting


def test_what_waits_behind_a_thread_that_dies_is_done_all_the_same(slow, monkeypatch):
    def give_up():
        raise RuntimeError("not even that works")

    def take(asks, then):
        slow(asks, then)
        if asks[0].quantity == 13:
            raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    with running(take) as batcher:
        with monkeypatch.context() as broken:
            broken.setattr(batching, "connection", SimpleNamespace(close=give_up))
            batcher.submit(ask(quantity=13))
            slow.began.acquire()
            thread = batcher._thread
            behind = batcher.submit(ask())
            slow.go_on.release()
            thread.join(1)
        slow.go_on.release()
        assert behind.result(2)


def test_one_that_spoils_its_batch_costs_few_more_transactions(slow):
    batches = []

    def take(asks, then):
        batches.append(len(asks))
        if any(one.quantity == 13 for one in asks):
            raise RuntimeError("a mistake")
        slow(asks, then)

    with running(take) as batcher:
        batcher.submit(ask())
        slow.began.acquire()
        futures = [batcher.submit(ask(quantity=13 if n == 50 else 1)) for n in range(128)]
        for _ in range(200):
            slow.go_on.release()
        assert [type(one.exception(5)) for one in futures].count(Unavailable) == 1
    assert len(batches) < 20


def test_where_postgresql_goes_away_among_them_it_is_not_asked_for_each(slow):
    tries = []

    def take(asks, then):
        if len(asks) > 1:
            raise RuntimeError("a mistake")
        if asks[0].quantity == 13:
            slow(asks, then)
            return
        tries.append(1)
        raise OperationalError("connection refused")

    with running(take) as batcher:
        batcher.submit(ask(quantity=13))
        slow.began.acquire()
        futures = [batcher.submit(ask()) for _ in range(20)]
        slow.go_on.release()
        assert {type(one.exception(5)) for one in futures} == {Unavailable}
    assert len(tries) == 2


def test_nobody_is_given_the_exception_of_somebody_else(slow):
    def take(asks, then):
        slow(asks, lambda answers: None)
        raise OperationalError from LockNotAvailable()

    with running(take) as batcher:
        batcher.submit(ask())
        slow.began.acquire()
        futures = [batcher.submit(ask()) for _ in range(3)]
        slow.go_on.release()
        slow.go_on.release()
        errors = [one.exception(5) for one in futures]
    assert {type(one) for one in errors} == {Busy}
    assert len({id(one) for one in errors}) == 3


# --- Hot and cold -----------------------------------------------------------------------------


def test_a_sku_is_hot_while_many_want_it_and_cold_again_by_itself():
    heat = Heat(above=2, seconds=0.02)
    with heat.visit([1]) as first, heat.visit([1, 2]) as second:
        assert (first, second) == (False, False)
        with heat.visit([1]) as third, heat.visit([2]) as other:
            assert (third, other) == (True, False)
            assert heat.is_hot(1)
        with heat.visit([3, 1]) as a_cart_with_it:
            assert a_cart_with_it
    time.sleep(0.03)
    assert not heat.is_hot(1)
    with heat.visit([1]) as again:
        assert not again
    assert not heat._under_way


def test_a_request_that_failed_is_no_longer_under_way():
    heat = Heat(above=1, seconds=60)
    for _ in range(5):
        with pytest.raises(ZeroDivisionError), heat.visit([1]):
            _ = 1 / 0
    with heat.visit([1]) as is_hot:
        assert not is_hot


def test_what_was_hot_once_is_not_remembered_for_ever():
    heat = Heat(above=0, seconds=-1)
    for sku_id in range(300):
        with heat.visit([sku_id]):
            pass
    assert len(heat._hot_until) <= 101


@pytest.mark.parametrize("pool", [None, {"max_size": 20}])
def test_who_waits_for_a_batch_gives_back_the_pools_connection_that_it_needs(monkeypatch, pool):
    closed = []
    fake = SimpleNamespace(
        in_atomic_block=False,
        settings_dict={"OPTIONS": {"pool": pool}},
        close=lambda: closed.append(threading.current_thread()),
    )
    monkeypatch.setattr(batching, "connection", fake)
    before = []

    def take(asks, then):
        before.extend(closed)
        granted(asks, then)

    with running(take) as batcher:
        mine = ask()
        heat = Heat(above=0)
        assert together(mine, batcher=batcher, heat=heat, keys=[1], alone=None) == mine.number
    assert before == ([threading.current_thread()] if pool else [])
