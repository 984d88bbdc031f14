"""What waits for the worker is carried out together; what fails stays with its own job."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from procrastinate.contrib.django.models import ProcrastinateJob

from shops.accounts.models import User
from shops.facts import publishing
from shops.facts.models import Event, Reaction
from shops.facts.publishing import Fact, On
from shops.facts.reacting import NotAll, carry_out, carry_out_waiting, takes_many
from shops.facts.tasks import react
from tests.factories.accounts import UserFactory

HERE = "tests.shops.facts.test_reacting."
pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime.now(UTC)


class BellRang(Fact, frozen=True):
    place: str


calls = []


def ring_all(facts, *, now):
    calls.append([fact.place for _event_id, fact in facts])
    for _event_id, fact in facts:
        UserFactory(display_name=fact.place)
        if fact.place == "broken":
            raise ZeroDivisionError


@takes_many(ring_all)
def ring(fact, *, event_id, now):
    ring_all([(event_id, fact)], now=now)


sent = []


def send_all(facts, *, now):
    failed = {}
    for event_id, fact in facts:
        if fact.place == "broken":
            failed[event_id] = ZeroDivisionError()
        else:
            sent.append(fact.place)
    if failed:
        raise NotAll(failed)


@takes_many(send_all, at_most=3)
def send(fact, *, event_id, now):
    if fact.place == "broken":
        raise ZeroDivisionError
    sent.append(fact.place)


def greet(fact, *, event_id, now):
    UserFactory(display_name=fact.place)
    if fact.place == "broken":
        raise ZeroDivisionError


@pytest.fixture(autouse=True)
def wiring(monkeypatch, db):
    calls.clear()
    sent.clear()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
    monkeypatch.setattr(publishing, "table", lambda: {BellRang: On()})


def queue(name, *places, **more):
    ids = []
    for place in places:
        event = Event.objects.create(kind="BellRang", payload={"place": place})
        react.configure(**more).defer(event_id=event.pk, reaction=HERE + name)
        ids.append(event.pk)
    return ids


def queue_together(*asked):
    """Queue one job for several (place, name)."""
    pairs = []
    for place, name in asked:
        event = Event.objects.create(kind="BellRang", payload={"place": place})
        pairs.append([event.pk, HERE + name])
    react.defer(asked=pairs)
    return pairs


def waiting():
    jobs = [job.args for job in ProcrastinateJob.objects.filter(status="todo")]
    ids = [pk for args in jobs for pk, _ in args.get("asked") or [(args["event_id"], "")]]
    return sorted(Event.objects.get(pk=pk).payload["place"] for pk in ids)


def greeted():
    return sorted(User.objects.values_list("display_name", flat=True))


def test_what_takes_many_gets_all_that_waits():
    ids = queue("ring", "door", "church", "school")

    assert carry_out_waiting(now=NOW) == 3
    assert calls == [["door", "church", "school"]]
    assert not ProcrastinateJob.objects.exists()
    assert sorted(Reaction.objects.values_list("event_id", flat=True)) == ids


def test_others_go_one_by_one():
    queue("greet", "door", "church")

    assert carry_out_waiting(now=NOW) == 2
    assert greeted() == ["church", "door"]
    assert waiting() == []


@pytest.mark.parametrize("name", ["ring", "greet"])
def test_one_that_fails_waits_for_its_own_job(name):
    queue(name, "door", "broken", "church")

    assert carry_out_waiting(now=NOW) == 2
    assert greeted() == ["church", "door"]
    assert waiting() == ["broken"]
    assert Reaction.objects.count() == 2


def test_what_was_done_before_is_not_done_again():
    [known, _new] = queue("ring", "door", "church")
    carry_out(event_id=known, reaction=HERE + "ring", now=NOW)

    carry_out_waiting(now=NOW)

    assert calls == [["door"], ["church"]]
    assert waiting() == []


def test_what_is_for_later_or_has_failed_before_is_left_alone():
    queue("greet", "later", schedule_in={"hours": 1})
    queue("greet", "failed")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET attempts = 1 WHERE scheduled_at IS NULL")

    assert carry_out_waiting(now=NOW) == 0
    assert waiting() == ["failed", "later"]


def test_a_job_that_a_worker_has_is_left_to_it():
    queue("ring", "door", "church")
    with connection.cursor() as cursor:
        cursor.execute("SELECT min(id) FROM procrastinate_jobs")
        [(first,)] = cursor.fetchall()
        cursor.execute("UPDATE procrastinate_jobs SET status = 'doing' WHERE id = %s", [first])

    assert carry_out_waiting(now=NOW) == 1
    assert calls == [["church"]]


def test_a_job_does_what_waits_besides():
    [own] = queue("greet", "own")
    queue("ring", "door", "church")

    react(event_id=own, reaction=HERE + "greet")

    assert greeted() == ["church", "door", "own"]


def test_a_job_asks_for_several_and_takes_along_what_waits():
    own = queue_together(("own", "greet"), ("bell", "ring"))
    queue_together(("door", "ring"), ("church", "greet"))

    react(asked=own)

    assert greeted() == ["bell", "church", "door", "own"]
    assert calls == [["bell", "door"]]
    assert Reaction.objects.count() == 4


def test_what_fails_of_a_job_is_tried_again_and_the_rest_is_not():
    pairs = queue_together(("door", "greet"), ("broken", "greet"), ("church", "ring"))
    queue("greet", "school")

    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            react(asked=pairs)

    assert greeted() == ["church", "door", "school"]
    assert Reaction.objects.count() == 3


def test_a_job_is_there_until_all_of_it_is_done():
    queue_together(("door", "greet"), ("broken", "ring"), ("church", "ring"))

    assert carry_out_waiting(now=NOW) == 2
    assert waiting() == ["broken", "church", "door"]
    assert carry_out_waiting(now=NOW) == 0
    assert greeted() == ["church", "door"]


def test_what_cannot_be_undone_is_not_done_again_because_others_failed():
    queue("send", "door", "broken", "church", "school", "bridge")

    assert carry_out_waiting(now=NOW) == 4
    assert sent == ["door", "church", "school", "bridge"]
    assert waiting() == ["broken"]
    assert carry_out_waiting(now=NOW) == 0
    assert sent == ["door", "church", "school", "bridge"]


def test_what_cannot_be_undone_fails_by_its_own_job():
    pairs = queue_together(("door", "send"), ("broken", "send"))

    with pytest.raises(ZeroDivisionError):
        react(asked=pairs)

    assert sent == ["door"]
    assert Reaction.objects.count() == 1
