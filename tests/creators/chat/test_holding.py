"""Lines that wait: each is shown or rejected once, by whoever comes first."""

import threading
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from creators.chat import holding
from creators.chat.models import ChatRules, Message, MessageState
from creators.chat.posting import post_message
from shops.facts.models import Event
from shops.facts.refused import NotFound


def held(show, author, body, *, now, seconds=3, state=MessageState.HELD):
    return Message.objects.create(
        piece=show.piece,
        author=author,
        client_id=uuid.uuid4(),
        body=body,
        sent_at=now,
        state=state,
        shown_at=now + timedelta(seconds=seconds) if state == MessageState.HELD else None,
    )


def kinds():
    return list(Event.objects.order_by("pk").values_list("kind", flat=True))


def test_what_is_due_is_shown_in_order_and_once(show, alice, now):
    lines = [held(show, alice, f"n {n}", now=now, seconds=n) for n in (1, 2, 9)]
    assert holding.show_due(now=now) == 0
    assert holding.show_due(now=now + timedelta(seconds=2)) == 2
    assert holding.show_due(now=now + timedelta(seconds=2)) == 0
    states = list(Message.objects.order_by("pk").values_list("state", "rev"))
    assert states == [("shown", 1), ("shown", 1), ("held", 0)]
    shown = Event.objects.get(kind="ChatPosted").payload
    assert shown == {"piece_id": show.pk, "message_ids": [lines[0].pk, lines[1].pk]}
    assert kinds() == ["ChatPosted", "ChatHeld"]


def test_what_was_deleted_while_it_waited_is_not_shown(show, alice, now):
    line = held(show, alice, "oops", now=now, seconds=1)
    Message.objects.filter(pk=line.pk).update(deleted_at=now)
    assert holding.show_due(now=now + timedelta(seconds=5)) == 0


def test_a_withheld_line_is_shown_by_no_clock(show, alice, now):
    held(show, alice, "dubious", now=now, state=MessageState.WITHHELD)
    assert holding.show_due(now=now + timedelta(days=1)) == 0


@pytest.mark.parametrize("state", [MessageState.HELD, MessageState.WITHHELD])
@pytest.mark.parametrize("show_it", [True, False], ids=["show", "reject"])
def test_a_moderator_decides_once(show, alice, erin, now, state, show_it):
    line = held(show, alice, "dubious", now=now, state=state)
    judged = holding.judge_held(message_id=line.pk, show=show_it, by=erin, now=now)
    assert (judged.state, judged.rev) == ("shown" if show_it else "rejected", 1)
    with pytest.raises(holding.JudgedAlready) as refused:
        holding.judge_held(message_id=line.pk, show=not show_it, by=erin, now=now)
    assert refused.value.extra == {"state": judged.state}
    assert holding.show_due(now=now + timedelta(days=1)) == 0
    assert kinds() == (["ChatPosted", "ChatHeld"] if show_it else ["ChatHeld"])


def test_a_line_that_is_not_there_is_not_judged(erin, now, db):
    with pytest.raises(NotFound):
        holding.judge_held(message_id=10**9, show=True, by=erin, now=now)


def test_a_rejection_is_taken_back_to_where_a_moderator_decides(show, alice, erin, now):
    line = held(show, alice, "dubious", now=now)
    with pytest.raises(holding.JudgedAlready):
        holding.take_back_rejection(message_id=line.pk, now=now)
    holding.judge_held(message_id=line.pk, show=False, by=erin, now=now)
    assert holding.take_back_rejection(message_id=line.pk, now=now).state == "withheld"
    assert holding.judge_held(message_id=line.pk, show=True, by=erin, now=now).is_seen


def test_what_waits_of_somebody_who_was_muted_is_rejected(show, alice, erin, now):
    mine, others = held(show, alice, "a", now=now), held(show, erin, "e", now=now)
    assert (
        holding.reject_waiting_of(
            user_ids=[alice.pk], creator_id=show.piece.creator_id, piece_id=show.pk
        )
        == 1
    )
    mine.refresh_from_db()
    others.refresh_from_db()
    assert (mine.state, others.state) == ("rejected", "held")


@pytest.mark.django_db(transaction=True)
def test_two_processes_and_a_moderator_at_once_show_each_line_once(show, alice, erin, now):
    lines = [held(show, alice, f"n {n}", now=now, seconds=0) for n in range(20)]
    barrier = threading.Barrier(3)
    counts = []

    def sweep():
        barrier.wait()
        counts.append(holding.show_due(now=now))
        connection.close()

    def judge():
        barrier.wait()
        for line in reversed(lines):
            try:
                holding.judge_held(message_id=line.pk, show=True, by=erin, now=now)
            except holding.JudgedAlready:
                continue
            counts.append(1)
        connection.close()

    threads = [threading.Thread(target=work) for work in (sweep, sweep, judge)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counts) == 20
    told = [
        pk
        for event in Event.objects.filter(kind="ChatPosted")
        for pk in event.payload["message_ids"]
    ]
    assert sorted(told) == [line.pk for line in lines]
    assert set(Message.objects.values_list("state", "rev")) == {("shown", 1)}


@pytest.mark.django_db(transaction=True)
def test_the_process_that_took_a_line_shows_it_when_its_time_comes(show, alice):
    ChatRules.objects.create(creator=show.piece.creator, piece=show.piece, hold_seconds=1)
    now = datetime.now(UTC) - timedelta(seconds=0.9)
    line = post_message(
        piece_id=show.pk, author=alice, client_id=uuid.uuid4(), body="soon", now=now
    )
    assert line.state == MessageState.HELD
    thread = holding.timetable._thread
    thread.join(10)
    line.refresh_from_db()
    assert line.is_seen


def test_a_timetable_survives_a_show_that_fails(caplog):
    shown = []

    def show():
        shown.append(1)
        if len(shown) == 1:
            raise RuntimeError("PostgreSQL is away")

    timetable = holding.Timetable(show)
    for _ in range(2):
        timetable.show_at(datetime.now(UTC) + timedelta(seconds=0.05))
        timetable._thread.join(5)
    assert len(shown) == 2
    assert "PostgreSQL is away" in caplog.text
    timetable.show_at(datetime.now(UTC) + timedelta(hours=1))
    timetable.clear()
    assert timetable._thread is None
