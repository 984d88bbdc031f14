"""The chat's lines share transactions, by the rules of `shops.facts.batching`."""

import math
import threading
import uuid
from datetime import UTC, datetime

import pytest
from django.db import OperationalError
from prometheus_client import REGISTRY

from creators.chat import batcher
from creators.chat.batcher import Busy, Unavailable
from creators.chat.models import Message
from creators.chat.posting import Draft, NotTaken, Posted, post_batch
from shops.facts.models import Event
from tests.factories.accounts import UserFactory


def draft(n=0, piece_id=1, author_id=1):
    return Draft(piece_id, author_id, uuid.uuid4(), f"line {n}", None, datetime.now(UTC))


def figures():
    names = ("lines_count", "lines_sum", "seconds_count")
    return [REGISTRY.get_sample_value(f"liveshop_chat_batch_{name}") for name in names]


def said(drafts, **_how):
    return [f"posted {one.body}" for one in drafts]


class Slow:
    """Takes batches, but each only when it is let."""

    def __init__(self, post=said):
        self.post = post
        self.batches = []
        self.began = threading.Semaphore(0)
        self.go_on = threading.Semaphore(0)

    def __call__(self, drafts, **how):
        self.batches.append([one.body for one in drafts])
        self.began.release()
        self.go_on.acquire()
        return self.post(drafts, **how)


@pytest.fixture
def slow(monkeypatch):
    slow = Slow()
    monkeypatch.setattr(batcher, "post_batch", slow)
    return slow


def test_what_comes_while_one_is_written_is_written_together_in_its_order(slow):
    before = figures()
    futures = [batcher.submit(draft(0))]
    slow.began.acquire()
    futures += [batcher.submit(draft(n)) for n in range(1, 6)]
    for _ in range(2):
        slow.go_on.release()
    assert [future.result(5) for future in futures] == [f"posted line {n}" for n in range(6)]
    assert slow.batches == [["line 0"], [f"line {n}" for n in range(1, 6)]]
    assert [now - then for now, then in zip(figures(), before, strict=True)] == [2, 6, 2]


def test_a_line_waits_as_long_as_it_takes_but_not_more_than_so_many(slow, monkeypatch):
    monkeypatch.setattr(batcher._batcher, "_most_waiting", 2)
    first = batcher.submit(draft(0))
    slow.began.acquire()
    waiting = [batcher.submit(draft(n)) for n in (1, 2)]
    assert {one.until for one in batcher._batcher._waiting} == {math.inf}
    with pytest.raises(Busy) as refused:
        batcher.submit(draft(3))
    assert (refused.value.code, refused.value.status, refused.value.retry_after) == ("busy", 503, 1)
    for _ in range(2):
        slow.go_on.release()
    assert all(future.result(5) for future in [first, *waiting])


def test_a_sender_who_went_away_harms_nobody(slow):
    first = batcher.submit(draft(0))
    slow.began.acquire()
    gone, other = batcher.submit(draft(1)), batcher.submit(draft(2))
    assert gone.cancel()
    for _ in range(2):
        slow.go_on.release()
    assert other.result(5) == "posted line 2"
    assert first.done()


def test_while_postgresql_is_away_everybody_is_told_to_try_again(monkeypatch, caplog):
    def away(drafts, **_how):
        raise OperationalError("connection refused")

    monkeypatch.setattr(batcher, "post_batch", away)
    before = figures()
    futures = [batcher.submit(draft(n)) for n in range(3)]
    assert {type(future.exception(5)) for future in futures} == {Unavailable}
    refused = futures[0].exception()
    assert (refused.code, refused.status, refused.retry_after) == ("unavailable", 503, 2)
    assert "were not done" in caplog.text
    assert figures() == before


@pytest.mark.django_db(transaction=True)
def test_a_line_that_postgresql_does_not_take_loses_no_other(
    show, alice, erin, dave, slow, monkeypatch, caplog
):
    monkeypatch.setattr(slow, "post", post_batch)
    authors = [alice.pk, erin.pk, 10**9, dave.pk]
    futures = [batcher.submit(draft(0, show.pk, authors[0]))]
    slow.began.acquire()
    futures += [batcher.submit(draft(n, show.pk, authors[n])) for n in (1, 2, 3)]
    for _ in range(6):
        slow.go_on.release()
    answers = [future.exception(5) or future.result() for future in futures]
    assert [type(one) for one in answers] == [Posted, Posted, NotTaken, Posted]
    assert set(Message.objects.values_list("body", flat=True)) == {"line 0", "line 1", "line 3"}
    assert [len(batch) for batch in slow.batches] == [1, 3, 1, 2, 1, 1]
    assert str(10**9) in caplog.text


@pytest.mark.django_db(transaction=True)
def test_many_threads_lines_are_all_written_and_told(show):
    people = UserFactory.create_batch(40)
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
    ids = {body: answer.result(5).message_id for body, answer in answers.items()}
    assert dict(Message.objects.values_list("body", "pk")) == ids
    assert len(ids) == 40
    told = [
        pk
        for event in Event.objects.filter(kind="ChatPosted").order_by("pk")
        for pk in event.payload["message_ids"]
    ]
    assert sorted(told) == told == sorted(ids.values())
