"""Threads that answer requests: who works, who waits, who rests, and how they end."""

import asyncio
import contextlib
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from liveshop.threads import Threads


@pytest.fixture
def threads():
    found = Threads(3, "test")
    yield found
    found.end()


def who():
    return threading.current_thread().name


class Held:
    """Work that lasts until it is let go; it notes what was done."""

    def __init__(self):
        self.began, self.go_on = threading.Event(), threading.Event()
        self.done = []

    def __call__(self, name="held"):
        self.began.set()
        assert self.go_on.wait(10)
        self.done.append(name)
        return name


async def all_busy(threads, held):
    works = []
    for _ in range(threads.most):
        works.append(threads.give(held))
        async with asyncio.timeout(10):
            while threads._waiting:
                await asyncio.sleep(0.001)
    return works


async def test_a_call_gives_what_it_returns_or_raises(threads):
    assert await threads.make(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        await threads.make(divmod, 7, 0)
    assert (await threads.make(who)).startswith("test")


async def until_all_rest(threads):
    async with asyncio.timeout(10):
        while len(threads._resting) < len(threads._threads):
            await asyncio.sleep(0.001)


async def test_who_rested_last_works_first(threads):
    all_at_once = threading.Barrier(3)
    await asyncio.gather(*(threads.make(all_at_once.wait, 10) for _ in range(3)))
    seen = set()
    for _ in range(20):
        await until_all_rest(threads)
        seen.add(await threads.make(who))

    assert len(seen) == 1


async def test_who_is_called_calls_the_next_one_until_nothing_waits(threads):
    held = Held()
    works = [threads.give(held, number) for number in range(2)]

    async with asyncio.timeout(10):
        while threads._waiting:
            await asyncio.sleep(0.001)
    held.go_on.set()
    assert await asyncio.gather(*(work.done for work in works)) == [0, 1]
    assert len(threads._threads) == 2


async def test_without_another_thread_those_that_there_are_do_it(threads, monkeypatch):
    held = Held()
    first = threads.give(held)
    assert await asyncio.to_thread(held.began.wait, 10)
    begin = threading.Thread.start

    def start(thread):
        if thread.name.startswith("test"):
            raise RuntimeError("can't start new thread")
        begin(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    second = threads.give(who)
    held.go_on.set()

    assert (await first.done, await second.done) == ("held", "test_0")


async def test_no_more_threads_than_allowed_and_the_others_wait_in_turn(threads):
    held, order = Held(), []
    busy = await all_busy(threads, held)
    waiting = [threads.give(order.append, number) for number in range(5)]

    assert [work.is_waiting for work in busy + waiting] == [False] * 3 + [True] * 5
    await asyncio.sleep(0.02)
    assert order == []
    held.go_on.set()
    await asyncio.gather(*(work.done for work in busy + waiting))
    assert sorted(order) == list(range(5))
    assert len(threads._threads) == 3


async def test_what_no_thread_had_begun_can_be_taken_back(threads):
    held, seen = Held(), []
    busy = await all_busy(threads, held)
    gone, stays = threads.give(seen.append, "gone"), threads.give(seen.append, "stays")

    assert threads.take_back(gone)
    assert not threads.take_back(gone)
    assert not threads.take_back(busy[0])
    held.go_on.set()
    await asyncio.gather(stays.done, *(work.done for work in busy))
    assert seen == ["stays"]


async def test_who_is_called_off_while_waiting_needs_no_thread(threads):
    held, seen = Held(), []
    busy = await all_busy(threads, held)
    waiting = asyncio.create_task(threads.make(seen.append, "gone"))
    await asyncio.sleep(0)

    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    held.go_on.set()
    await asyncio.gather(*(work.done for work in busy))
    assert await threads.make(len, seen) == 0


@pytest.mark.parametrize("is_locked", [True, False])
async def test_work_that_comes_while_a_thread_lies_down_is_done(threads, is_locked):
    """Without the lock the thread rests beside what waits for it: the control."""
    lies_down = threading.Event()

    class Slowly(list):
        def append(self, seat):
            lies_down.set()
            time.sleep(0.1)
            super().append(seat)

    threads.most = 1
    threads._resting = Slowly()
    if not is_locked:
        threads._lock = contextlib.nullcontext()
    await threads.make(who)
    assert await asyncio.to_thread(lies_down.wait, 10)

    late = threads.give(who)

    if is_locked:
        assert await asyncio.wait_for(late.done, 10) == "test_0"
    else:
        await asyncio.sleep(0.2)
        assert not late.done.done()
        assert threads.take_back(late)


def test_everything_is_done_once_whoever_gives_it(threads):
    seen = Counter()

    async def give(name):
        await asyncio.gather(*(threads.make(seen.update, [(name, n)]) for n in range(300)))

    with ThreadPoolExecutor(4) as loops:
        list(loops.map(lambda name: asyncio.run(give(name)), "abcd"))

    assert set(seen.values()) == {1}
    assert len(seen) == 1_200


def test_the_end_waits_for_what_was_given(threads):
    held = Held()

    async def give_and_go():
        for number in range(5):
            threads.give(held, number)
        assert await asyncio.to_thread(held.began.wait, 10)

    # Nobody waits for an answer any more: its loop has ended.
    asyncio.run(give_and_go())
    ending = threading.Thread(target=threads.end)
    ending.start()
    ending.join(0.05)
    assert ending.is_alive()
    held.go_on.set()
    ending.join(10)

    assert sorted(held.done) == list(range(5))
    assert not any(thread.is_alive() for thread in threads._threads)


async def test_nothing_can_be_given_after_the_end(threads):
    await threads.make(who)
    threads.end()

    with pytest.raises(RuntimeError, match="ended"):
        threads.give(who)
