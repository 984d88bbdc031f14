"""Group commit: what waits while one batch is written is the next one."""

import threading
import uuid
from concurrent.futures import wait
from datetime import UTC, datetime

import pytest
from django.db import OperationalError

from creators.chat.batcher import Batcher, Busy, Unavailable
from creators.chat.models import Message
from creators.chat.posting import Draft, NotTaken
from shops.facts.models import Event
from tests.factories.accounts import UserFactory


def draft(n=0, piece_id=1, author_id=1):
    return Draft(piece_id, author_id, uuid.uuid4(), f"line {n}", None, datetime.now(UTC))


class Slow:
    """Takes batches, but each only when it is let."""

    def __init__(self):
        self.batches = []
        self.began = threading.Semaphore(0)
        self.go_on = threading.Semaphore(0)

    def __call__(self, drafts):
        self.batches.append([one.body for one in drafts])
        self.began.release()
        self.go_on.acquire()
        return [f"posted {one.body}" for one in drafts]


@pytest.fixture
def slow():
    return Slow()


def test_what_comes_while_one_is_written_is_written_together(slow):
    batcher = Batcher(slow, at_most=3)
    futures = [batcher.submit(draft(0))]
    slow.began.acquire()
    futures += [batcher.submit(draft(n)) for n in range(1, 6)]
    for _ in range(3):
        slow.go_on.release()
    assert [future.result(5) for future in futures] == [f"posted line {n}" for n in range(6)]
    assert slow.batches == [
        ["line 0"],
        ["line 1", "line 2", "line 3"],
        ["line 4", "line 5"],
    ]
    batcher.close()


def test_what_comes_right_behind_a_batch_shares_the_next_one():
    batches = []

    def post(drafts):
        batches.append([one.body for one in drafts])
        return drafts

    batcher = Batcher(post, at_most=3, every_seconds=3600)
    batcher.submit(draft(0)).result(5)
    futures = [batcher.submit(draft(n)) for n in range(1, 4)]
    wait(futures, timeout=5)
    assert batches == [["line 0"], ["line 1", "line 2", "line 3"]]
    last = batcher.submit(draft(4))
    assert batcher.waiting == 1
    batcher.close()
    assert last.result(0).body == "line 4"


def test_above_its_measure_it_says_that_it_is_busy(slow):
    batcher = Batcher(slow, most_waiting=2)
    first = batcher.submit(draft(0))
    slow.began.acquire()
    waiting = [batcher.submit(draft(n)) for n in (1, 2)]
    assert batcher.waiting == 2
    with pytest.raises(Busy):
        batcher.submit(draft(3))
    for _ in range(2):
        slow.go_on.release()
    wait([first, *waiting], timeout=5)
    assert batcher.submit(draft(4)) is not None
    slow.go_on.release()
    batcher.close()
    with pytest.raises(Busy):
        batcher.submit(draft(5))


def test_a_refusal_is_its_own_lines_only():
    batcher = Batcher(
        lambda drafts: [NotTaken() if one.body == "line 1" else one for one in drafts]
    )
    futures = [batcher.submit(draft(n)) for n in range(3)]
    batcher.close()
    assert [type(future.exception()) for future in futures] == [type(None), NotTaken, type(None)]


def test_a_connection_that_was_closed_is_tried_once_more():
    tries = []

    def post(drafts):
        tries.append(len(drafts))
        if len(tries) == 1:
            raise OperationalError("server closed the connection unexpectedly")
        return list(drafts)

    batcher = Batcher(post)
    assert batcher.submit(draft()).result(5).body == "line 0"
    assert tries == [1, 1]
    batcher.close()


def test_while_postgresql_is_away_everybody_is_told_to_try_again(caplog):
    def post(drafts):
        raise OperationalError("connection refused")

    batcher = Batcher(post)
    futures = [batcher.submit(draft(n)) for n in range(3)]
    batcher.close()
    assert {type(future.exception()) for future in futures} == {Unavailable}
    assert futures[0].exception().retry_after
    assert "were not written" in caplog.text


def test_an_error_of_ours_ends_neither_the_thread_nor_the_waiting(caplog):
    def post(drafts):
        if drafts[0].body == "line 0":
            raise RuntimeError("a mistake")
        return list(drafts)

    batcher = Batcher(post, at_most=1)
    first, second = batcher.submit(draft(0)), batcher.submit(draft(1))
    assert isinstance(first.exception(5), NotTaken)
    assert second.result(5).body == "line 1"
    batcher.close()
    assert "a mistake" in caplog.text


def test_a_sender_who_went_away_harms_nobody(slow):
    batcher = Batcher(slow)
    first = batcher.submit(draft(0))
    slow.began.acquire()
    gone, other = batcher.submit(draft(1)), batcher.submit(draft(2))
    assert gone.cancel()
    for _ in range(2):
        slow.go_on.release()
    assert other.result(5) == "posted line 2"
    assert first.done()
    batcher.close()


def test_its_thread_ends_when_nobody_writes_and_another_begins(slow):
    batcher = Batcher(slow, idle_seconds=0.01)
    for _ in range(2):
        slow.go_on.release()
        future = batcher.submit(draft())
        thread = batcher._thread
        assert future.result(5) == "posted line 0"
        thread.join(5)
        assert not thread.is_alive()
        assert batcher._thread is None


@pytest.mark.django_db(transaction=True)
def test_many_threads_lines_are_all_written_and_told(show, now):
    people = UserFactory.create_batch(40)
    batcher = Batcher()
    drafts = [draft(n, show.pk, who.pk) for n, who in enumerate(people)]
    answers = {}

    def send(some):
        for one in some:
            answers[one.body] = batcher.submit(one)

    threads = [threading.Thread(target=send, args=[drafts[n::4]]) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    batcher.close()
    kept = dict(Message.objects.values_list("body", "pk"))
    assert kept == {body: answer.result().message_id for body, answer in answers.items()}
    assert len(kept) == 40
    told = [
        pk
        for event in Event.objects.filter(kind="ChatPosted").order_by("pk")
        for pk in event.payload["message_ids"]
    ]
    assert sorted(told) == told == sorted(kept.values())
