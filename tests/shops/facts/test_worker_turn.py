"""A turn of the worker ends after two seconds, also where a reaction takes one fact at a time."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from procrastinate.contrib.django.models import ProcrastinateJob

from shops.facts import publishing, reacting
from shops.facts.models import Event
from shops.facts.publishing import Fact, On
from shops.facts.reacting import carry_out_job, carry_out_waiting
from shops.facts.tasks import react

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime.now(UTC)
clock = [0.0]


class Slow(Fact, frozen=True):
    place: str


def mail(fact, *, event_id, now):
    clock[0] += 5.0  # a mail server that is away: EMAIL_TIMEOUT


@pytest.fixture(autouse=True)
def wiring(monkeypatch, db):
    clock[0] = 0.0
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
    monkeypatch.setattr(publishing, "table", lambda: {Slow: On()})
    monkeypatch.setattr(reacting.time, "monotonic", lambda: clock[0])


def queue(many):
    for number in range(many):
        event = Event.objects.create(kind="Slow", payload={"place": str(number)})
        react.defer(asked=[[event.pk, f"{__name__}.mail"]])


def test_others_jobs_wait_for_their_own_turn_once_the_time_is_over():
    queue(30)
    assert carry_out_waiting(now=NOW) == 1
    assert clock[0] == 5.0
    assert ProcrastinateJob.objects.filter(status="todo").count() == 29


def test_a_jobs_own_is_done_and_only_that():
    queue(30)
    event = Event.objects.create(kind="Slow", payload={"place": "own"})
    assert carry_out_job([(event.pk, f"{__name__}.mail")], now=NOW) == 1
    assert clock[0] == 5.0
