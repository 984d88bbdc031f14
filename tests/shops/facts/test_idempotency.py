"""A key is worth one effect: whoever asks again, at once or later, gets the first answer."""

import threading
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction

from shops.accounts.models import User
from shops.facts.idempotency import (
    Answer,
    InFlight,
    KeyMissing,
    KeyReused,
    LeaseLost,
    fingerprint,
    make_once,
    with_key,
)
from shops.facts.models import IdempotencyKey
from shops.facts.refused import Refused
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


def _ask(effect, *, key="key-12345", body=None, **more):
    return with_key(scope="test", key=key, body=body or {"a": 1}, effect=effect, **more)


def _make_once(make, *, key="key-12345", body=None):
    return make_once(scope="test", key=key, body=body or {"a": 1}, make=make)


def _make_user():
    user = UserFactory()
    return Answer(201, {"id": user.pk})


def test_a_second_request_gets_the_first_answer_and_has_no_effect():
    first = _ask(_make_user)
    second = _ask(_make_user)
    assert (first, first.is_replay, second.is_replay) == (second, False, True)
    assert User.objects.count() == 1


@pytest.mark.parametrize("key", ["", "short", "x" * 256, "with space in it", "línea-línea"])
def test_a_missing_or_malformed_key_is_refused_with_400(key):
    with pytest.raises(KeyMissing) as refused:
        _ask(_make_user, key=key)
    assert refused.value.status == 400
    assert not User.objects.exists()


def test_the_same_key_with_another_body_is_refused_with_422():
    _ask(_make_user, body={"a": 1})
    with pytest.raises(KeyReused) as refused:
        _ask(_make_user, body={"a": 2})
    assert refused.value.status == 422


def test_the_fingerprint_does_not_depend_on_the_order_of_fields():
    assert fingerprint({"a": 1, "b": {"c": 2, "d": 3}}) == fingerprint(
        {"b": {"d": 3, "c": 2}, "a": 1}
    )
    assert fingerprint({"a": 1}) != fingerprint({"a": "1"})


def test_scopes_do_not_see_each_others_keys():
    _ask(_make_user)
    assert not with_key(scope="other", key="key-12345", body={}, effect=_make_user).is_replay


def test_a_request_in_flight_answers_409_with_retry_after():
    def effect():
        # Another connection asks while this one is at work.
        caught = []

        def ask():
            try:
                _ask(_make_user)
            except Refused as refused:
                caught.append(refused)
            finally:
                connection.close()

        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
        assert [type(one) for one in caught] == [InFlight]
        assert (caught[0].status, caught[0].retry_after) == (409, 1)
        return _make_user()

    _ask(effect)
    assert User.objects.count() == 1


def test_a_refused_effect_leaves_nothing_and_frees_the_key():
    def refuse():
        UserFactory()
        raise Refused

    with pytest.raises(Refused):
        _ask(refuse)
    assert not User.objects.exists()
    assert not IdempotencyKey.objects.exists()
    assert _ask(_make_user).status == 201


def test_who_died_holding_a_key_blocks_it_only_until_the_lease_runs_out():
    IdempotencyKey.objects.create(
        scope="test",
        key="key-12345",
        fingerprint=fingerprint({"a": 1}),
        leased_until="2999-01-01T00:00:00Z",
    )
    with pytest.raises(InFlight):
        _ask(_make_user)
    IdempotencyKey.objects.update(leased_until="2020-01-01T00:00:00Z")
    assert _ask(_make_user).status == 201


def test_a_lease_that_ran_out_is_not_given_to_another_body():
    IdempotencyKey.objects.create(
        scope="test", key="key-12345", fingerprint="f" * 64, leased_until="2020-01-01T00:00:00Z"
    )
    with pytest.raises(KeyReused):
        _ask(_make_user)


def test_who_lost_the_lease_while_working_leaves_no_effect():
    def slow():
        UserFactory()

        def take_over():
            _ask(_make_user)
            connection.close()

        thread = threading.Thread(target=take_over)
        thread.start()
        thread.join()
        return Answer(201, {"id": 0})

    with pytest.raises(LeaseLost):
        _ask(slow, lease=timedelta(0))
    assert User.objects.count() == 1
    assert _ask(_make_user).is_replay


def _race(number, work):
    """Run `work` in threads that begin at the same moment."""
    barrier = threading.Barrier(number)
    answers = []

    def run():
        barrier.wait()
        try:
            answers.append(work())
        except Refused as refused:
            answers.append(refused)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_of_many_at_once_one_has_its_effect():
    answers = _race(6, lambda: _ask(_make_user))
    assert User.objects.count() == 1
    done = {answer.body["id"] for answer in answers if isinstance(answer, Answer)}
    assert len(done) == 1
    assert all(isinstance(answer, Answer | InFlight) for answer in answers)


def test_control_without_the_key_each_of_them_has_its_effect():
    _race(6, _make_user)
    assert User.objects.count() == 6


def _waits():
    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        return cursor.fetchone()[0]


@pytest.mark.parametrize("is_inside", [False, True])
def test_only_a_lease_does_not_wait_for_the_disk(is_inside):
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = local")
        try:
            with transaction.atomic() if is_inside else nullcontext():
                _ask(lambda: Answer(201, {"waits": _waits()}))
                assert _waits() == "local"
        finally:
            cursor.execute("RESET synchronous_commit")
    assert _ask(pytest.fail).body == {"waits": "local"}


def test_what_is_the_same_twice_is_answered_as_it_was_first():
    first = _make_once(lambda: Answer(201, {"at": 1}))
    second = _make_once(lambda: Answer(201, {"at": 2}))
    assert (first, first.is_replay) == (Answer(201, {"at": 1}), False)
    assert (second, second.is_replay) == (Answer(201, {"at": 1}), True)


@pytest.mark.parametrize("key", ["", "short"])
def test_nothing_is_made_without_a_key(key):
    with pytest.raises(KeyMissing):
        _make_once(pytest.fail, key=key)


def test_nothing_is_made_under_a_key_of_another_body():
    _make_once(lambda: Answer(201, {}))
    with pytest.raises(KeyReused):
        _make_once(pytest.fail, body={"a": 2})


def test_what_could_not_be_made_leaves_the_key_free():
    def refuse():
        raise Refused

    with pytest.raises(Refused):
        _make_once(refuse)
    assert not IdempotencyKey.objects.exists()
    assert not _make_once(lambda: Answer(201, {})).is_replay


def test_two_who_make_it_at_once_have_one_answer():
    meanwhile = []

    def make():
        meanwhile.append(_make_once(lambda: Answer(201, {"at": 1})))
        return Answer(201, {"at": 2})

    assert _make_once(make).body == {"at": 1}
    assert [answer.body for answer in meanwhile] == [{"at": 1}]


def test_of_two_bodies_that_are_made_at_once_one_is_refused():
    def make():
        _make_once(lambda: Answer(201, {"at": 1}), body={"a": 2})
        return Answer(201, {"at": 2})

    with pytest.raises(KeyReused):
        _make_once(make)


def test_it_takes_over_a_lease_that_ran_out_and_no_other():
    _lease(until=timedelta(seconds=-1), body={"a": 1})
    assert _make_once(lambda: Answer(201, {"at": 1})).body == {"at": 1}
    IdempotencyKey.objects.all().delete()
    _lease(until=timedelta(seconds=60), body={"a": 1})
    with pytest.raises(InFlight):
        _make_once(lambda: Answer(201, {"at": 2}))


def _lease(*, until, body):
    IdempotencyKey.objects.create(
        scope="test",
        key="key-12345",
        fingerprint=fingerprint(body),
        leased_until=datetime.now(UTC) + until,
    )
