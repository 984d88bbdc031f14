"""A fact and what must follow are written with what made it true, or not at all."""

import logging

import msgspec
import pytest
from django.db import connection, transaction
from procrastinate.contrib.django.models import ProcrastinateJob

from shops.facts import publishing
from shops.facts.models import Event
from shops.facts.publishing import Fact, NotInTransaction, On, UnknownFact, publish, read

HERE = "tests.shops.facts.test_publish."


class BellRang(Fact, frozen=True):
    times: int


class DoorOpened(Fact, frozen=True):
    pass


shown = []


def _jobs():
    return ProcrastinateJob.objects.filter(args__asked__0__1=HERE + "count")


def count(fact, *, event_id, now):
    raise AssertionError("only its name is queued here")


def show(fact):
    shown.append((fact, Event.objects.count()))


def break_down(fact):
    raise RuntimeError("the show is off")


@pytest.fixture(autouse=True)
def wiring(db, monkeypatch):
    shown.clear()
    # The queue's tables are not emptied between tests.
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
    table = {BellRang: On(must=[HERE + "count"], show=[HERE + "break_down", HERE + "show"])}
    monkeypatch.setattr(publishing, "table", lambda: table)


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_it_is_refused():
    with pytest.raises(NotInTransaction):
        publish(BellRang(times=1))
    assert not Event.objects.exists()


@pytest.mark.django_db
def test_a_fact_without_a_row_in_the_table_is_refused():
    with pytest.raises(UnknownFact):
        publish(DoorOpened())


@pytest.mark.django_db
def test_the_outbox_gives_back_the_fact():
    event = publish(BellRang(times=3))
    assert read(Event.objects.get(pk=event.pk)) == BellRang(times=3)


@pytest.mark.django_db
def test_a_stored_fact_with_unknown_fields_is_not_taken_for_one():
    event = Event.objects.create(kind="BellRang", payload={"times": 1, "loud": True})
    with pytest.raises(msgspec.ValidationError):
        read(event)


@pytest.mark.django_db(transaction=True)
def test_what_must_follow_is_queued_in_the_same_transaction():
    with transaction.atomic():
        event = publish(BellRang(times=1))
    assert _jobs().get().args == {"asked": [[event.pk, HERE + "count"]]}


@pytest.mark.django_db(transaction=True)
def test_what_must_follow_is_rolled_back_with_the_fact():
    def ring_and_fall():
        with transaction.atomic():
            publish(BellRang(times=1))
            assert _jobs().exists()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ring_and_fall()
    assert not Event.objects.exists()
    assert not _jobs().exists()
    assert shown == []


@pytest.mark.django_db(transaction=True)
def test_it_is_shown_only_after_commit_and_a_broken_show_harms_nobody(caplog):
    with caplog.at_level(logging.ERROR), transaction.atomic():
        publish(BellRang(times=7))
        assert shown == []
    assert shown == [(BellRang(times=7), 1)]
    assert "break_down failed for BellRang" in caplog.text
