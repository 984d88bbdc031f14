"""A must reaction is carried out exactly once, however many workers get its job."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from procrastinate.jobs import Job

from shops.accounts.models import User
from shops.facts import publishing
from shops.facts.models import Event, Reaction
from shops.facts.publishing import Fact, On
from shops.facts.reacting import carry_out
from shops.facts.tasks import react
from tests.factories.accounts import UserFactory

HERE = "tests.shops.facts.test_carry_out."
pytestmark = pytest.mark.django_db(transaction=True)


class BellRang(Fact, frozen=True):
    pass


barrier = None


def greet(fact, *, event_id, now):
    UserFactory()


def greet_together(fact, *, event_id, now):
    UserFactory()
    if barrier.n_waiting == 0:
        # Long enough for the other worker to ask for the same reaction.
        barrier.wait(timeout=10)


def stumble(fact, *, event_id, now):
    UserFactory()
    raise ZeroDivisionError


@pytest.fixture(autouse=True)
def wiring(monkeypatch):
    monkeypatch.setattr(publishing, "table", lambda: {BellRang: On()})


@pytest.fixture
def event(db):
    return Event.objects.create(kind="BellRang", payload={})


def _carry_out(event, name):
    return carry_out(event_id=event.pk, reaction=HERE + name, now=datetime.now(UTC))


def test_a_second_run_does_nothing(event):
    assert [_carry_out(event, "greet"), _carry_out(event, "greet")] == [True, False]
    assert User.objects.count() == 1


def test_the_job_carries_it_out(event):
    react(asked=[[event.pk, HERE + "greet"]])
    assert Reaction.objects.get().name == HERE + "greet"


def test_a_reaction_that_fails_leaves_nothing_and_may_be_tried_again(event):
    with pytest.raises(ZeroDivisionError):
        _carry_out(event, "stumble")
    assert not User.objects.exists()
    assert not Reaction.objects.exists()


def test_two_workers_at_once_carry_it_out_once(event):
    global barrier
    barrier = threading.Barrier(2)
    done = []

    def work():
        try:
            done.append(_carry_out(event, "greet_together"))
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    # The first is inside its reaction; the second waits at the unique index.
    while barrier.n_waiting == 0:
        pass
    _wait_until_somebody_waits_for_a_lock()
    barrier.wait(timeout=10)
    for thread in threads:
        thread.join()
    assert sorted(done) == [False, True]
    assert User.objects.count() == 1


def _wait_until_somebody_waits_for_a_lock():
    with connection.cursor() as cursor:
        for _ in range(10_000):
            cursor.execute(
                "SELECT 1 FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone():
                return
    pytest.fail("nobody waited")


def test_a_failing_reaction_is_tried_soon_and_for_days():
    waits = []
    while (wait := _wait_after(attempts=len(waits))) is not None:
        waits.append(wait)
    assert waits[0] < timedelta(seconds=5)
    assert max(waits) <= timedelta(hours=1, seconds=1)
    assert sum(waits, timedelta()) > timedelta(days=3)


def _wait_after(*, attempts):
    job = Job(
        id=1,
        queue="facts",
        lock=None,
        queueing_lock=None,
        task_name="facts.react",
        attempts=attempts,
    )
    again = react.get_retry_exception(exception=ZeroDivisionError(), job=job)
    return again and again.retry_decision.retry_at - datetime.now(UTC)
