"""A job that its worker took and never finished, because it died, is not lost."""

import pytest
from django.db import connection
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob

from shops.facts import publishing
from shops.facts.models import Event, Reaction
from shops.facts.publishing import Fact, On
from shops.facts.tasks import forget_done_jobs, react, rescue_jobs
from shops.payments.tasks import settle

HERE = "tests.shops.facts.test_rescue."
pytestmark = pytest.mark.django_db(transaction=True)


class DoorShut(Fact, frozen=True):
    pass


def note(fact, *, event_id, now):
    """Have no effect but the row that says that it ran."""


def work(*queues):
    with app.replace_connector(app.connector.get_worker_connector()) as worker_app:
        worker_app.run_worker(queues=list(queues), wait=False, listen_notify=False)


@pytest.fixture(autouse=True)
def no_jobs(db):
    """Jobs outlive the tests that left them: their table is not one of Django's."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")


def take_by_worker(*, silent_for):
    """Let a worker take the next job, and be silent from then on."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat)"
            " VALUES (now() - make_interval(secs => %s)) RETURNING id",
            [silent_for],
        )
        (worker_id,) = cursor.fetchone()
        cursor.execute("SELECT id FROM procrastinate_fetch_job_v2(NULL, %s)", [worker_id])
        return cursor.fetchone()[0]


@pytest.fixture
def event(monkeypatch, db):
    monkeypatch.setattr(publishing, "table", lambda: {DoorShut: On()})
    return Event.objects.create(kind="DoorShut", payload={})


def test_a_must_reaction_survives_the_death_of_its_worker(event):
    react.defer(event_id=event.pk, reaction=HERE + "note")
    take_by_worker(silent_for=600)
    rescue_jobs.defer(timestamp=0)
    work("sweepers")
    work("facts")
    assert Reaction.objects.filter(event=event).count() == 1


def test_a_job_of_a_worker_that_lives_is_left_to_it(event):
    react.defer(event_id=event.pk, reaction=HERE + "note")
    job_id = take_by_worker(silent_for=0)
    rescue_jobs.defer(timestamp=0)
    work("sweepers")
    assert ProcrastinateJob.objects.get(pk=job_id).status == "doing"


def test_a_periodic_job_of_a_dead_worker_does_not_stand_before_the_next_one(db):
    first = settle.defer(timestamp=0)
    assert take_by_worker(silent_for=600) == first
    second = settle.defer(timestamp=60)
    rescue_jobs.defer(timestamp=0)
    work("sweepers")
    work("payments")
    ended = dict(ProcrastinateJob.objects.values_list("pk", "status"))
    assert (ended[first], ended[second]) == ("failed", "succeeded")


def test_it_is_asked_for_each_minute():
    assert ("facts.rescue_jobs", "") in app.periodic_registry.periodic_tasks


def test_jobs_that_were_done_days_ago_are_deleted_and_newer_ones_stay(event):
    old = react.defer(event_id=event.pk, reaction=HERE + "note")
    work("facts")
    new = react.defer(event_id=event.pk, reaction=HERE + "note")
    work("facts")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE procrastinate_events SET at = at - interval '4 days' WHERE job_id = %s", [old]
        )
    forget_done_jobs.defer(timestamp=0)
    work("sweepers")
    left = set(ProcrastinateJob.objects.values_list("pk", flat=True))
    assert new in left
    assert old not in left
