"""Releasing, committing, renewing, giving back and expiring holds."""

import uuid
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db.models import F
from procrastinate.contrib.django import app

from shops.facts.models import Event
from shops.stock.models import Hold, HoldState, Stock, StockMovement
from shops.stock.queries import database_now
from shops.stock.services import (
    HARD_CAP,
    HoldExpired,
    HoldUsed,
    NoMoreTime,
    Wanted,
    commit,
    expire_due,
    extend,
    give_back,
    hold,
    release,
    renew,
)
from tests.factories.catalog import SkuFactory

pytestmark = pytest.mark.django_db
TTL = timedelta(minutes=10)


@pytest.fixture
def sku(db):
    return SkuFactory(on_hand=5)


@pytest.fixture
def held(sku, now):
    """Two units of `sku`."""
    return hold(wanted=[Wanted(uuid.uuid4(), sku.pk, 2)], now=now, ttl=TTL)[0]


def make_older(by):
    Hold.objects.update(expires_at=F("expires_at") - by, created_at=F("created_at") - by)


def state_of(held):
    return Hold.objects.get(pk=held.pk).state


def reserved(sku):
    return Stock.objects.get(sku=sku).reserved


def test_release_frees_the_units_once(sku, held, now):
    assert release(hold_ids=[held.pk], now=now) == 1
    assert release(hold_ids=[held.pk], now=now) == 0

    assert (state_of(held), reserved(sku)) == (HoldState.RELEASED, 0)
    assert Event.objects.filter(kind="StockChanged").count() == 2
    assert Event.objects.order_by("-id")[0].payload["available"] == 5


def test_release_leaves_a_committed_hold_alone(sku, held, now):
    commit(hold_ids=[held.pk], now=now)

    assert release(hold_ids=[held.pk], now=now) == 0
    assert (state_of(held), reserved(sku)) == (HoldState.COMMITTED, 2)


def test_commit_keeps_the_units_reserved_and_the_stock_row_untouched(sku, held, now):
    before = Stock.objects.get(sku=sku).rev

    commit(hold_ids=[held.pk], now=now)

    assert (state_of(held), reserved(sku)) == (HoldState.COMMITTED, 2)
    assert Stock.objects.get(sku=sku).rev == before


def test_a_hold_is_committed_once(held, now):
    commit(hold_ids=[held.pk], now=now)

    with pytest.raises(HoldUsed):
        commit(hold_ids=[held.pk], now=now)


def test_commit_refuses_a_hold_that_ran_out_but_was_not_swept_yet(sku, held, now):
    make_older(timedelta(minutes=11))

    with pytest.raises(HoldExpired) as refused:
        commit(hold_ids=[held.pk], now=now - timedelta(hours=1))

    assert refused.value.extra["hold_ids"] == [str(held.pk)]
    assert state_of(held) == HoldState.HELD


def test_commit_is_all_or_none(sku, held, now):
    other = hold(wanted=[Wanted(uuid.uuid4(), sku.pk, 1)], now=now, ttl=TTL)[0]
    release(hold_ids=[other.pk], now=now)

    with pytest.raises(HoldExpired):
        commit(hold_ids=[held.pk, other.pk], now=now)

    assert state_of(held) == HoldState.HELD


def test_commit_refuses_an_id_that_never_was(now):
    with pytest.raises(HoldExpired):
        commit(hold_ids=[uuid.uuid4()], now=now)


def test_give_back_frees_a_committed_hold_once(sku, held, now):
    commit(hold_ids=[held.pk], now=now)

    assert give_back(hold_ids=[held.pk], now=now) == 1
    assert give_back(hold_ids=[held.pk], now=now) == 0

    assert (state_of(held), reserved(sku)) == (HoldState.RELEASED, 0)
    history = StockMovement.objects.filter(hold_id=held.pk).order_by("id")
    assert list(history.values_list("kind", "held", "committed")) == [
        ("held", 2, 0),
        ("committed", -2, 2),
        ("freed", 0, -2),
    ]


def test_give_back_leaves_a_held_one_alone(sku, held, now):
    assert give_back(hold_ids=[held.pk], now=now) == 0
    assert reserved(sku) == 2


def test_renew_leaves_a_hold_with_enough_time_as_it_is(held, now):
    [renewed] = renew(hold_ids=[held.pk], now=now)

    assert renewed.expires_at == held.expires_at


def test_renew_gives_five_minutes_more_when_less_than_two_are_left(held, now):
    make_older(timedelta(minutes=9))

    [renewed] = renew(hold_ids=[held.pk], now=now)

    left = renewed.expires_at - database_now()
    assert timedelta(minutes=4, seconds=50) < left <= timedelta(minutes=5)


def test_renewing_ends_at_the_hard_cap(held, now):
    make_older(timedelta(minutes=14))
    Hold.objects.update(expires_at=database_now() + timedelta(seconds=20))

    [renewed] = renew(hold_ids=[held.pk], now=now)

    assert renewed.expires_at == renewed.created_at + HARD_CAP


def test_renew_does_not_wake_an_expired_hold(held, now):
    make_older(timedelta(minutes=11))

    with pytest.raises(HoldExpired):
        renew(hold_ids=[held.pk], now=now)


def test_extending_gives_five_minutes_from_now(held, now):
    make_older(timedelta(minutes=7))

    [extended] = extend(hold_ids=[held.pk], now=now)

    left = extended.expires_at - database_now()
    assert timedelta(minutes=4, seconds=50) < left <= timedelta(minutes=5)


def test_extending_never_makes_it_shorter(held, now):
    [extended] = extend(hold_ids=[held.pk], now=now)

    assert extended.expires_at == held.expires_at


def test_extending_ends_at_the_hard_cap_and_then_says_so(held, now):
    make_older(timedelta(minutes=9, seconds=50))

    [first] = extend(hold_ids=[held.pk], now=now, by=timedelta(minutes=30))

    assert first.expires_at == first.created_at + HARD_CAP
    with pytest.raises(NoMoreTime):
        extend(hold_ids=[held.pk], now=now)


@pytest.mark.parametrize("ended", ["ran out", "released", "ordered", "never was"])
def test_what_is_no_longer_held_cannot_be_extended(held, now, ended):
    hold_id = held.pk
    if ended == "ran out":
        make_older(timedelta(minutes=11))
    elif ended == "released":
        release(hold_ids=[held.pk], now=now)
    elif ended == "ordered":
        commit(hold_ids=[held.pk], now=now)
    else:
        hold_id = uuid.uuid4()

    with pytest.raises(HoldUsed if ended == "ordered" else HoldExpired):
        extend(hold_ids=[hold_id], now=now)


def test_expiry_frees_what_is_due_and_nothing_else(sku, held, now):
    make_older(timedelta(minutes=11))
    fresh = hold(wanted=[Wanted(uuid.uuid4(), sku.pk, 1)], now=now, ttl=TTL)[0]

    assert expire_due(now=database_now()) == 1

    assert (state_of(held), state_of(fresh)) == (HoldState.EXPIRED, HoldState.HELD)
    assert reserved(sku) == 1


def test_expiry_does_not_touch_committed_holds(sku, held, now):
    commit(hold_ids=[held.pk], now=now)
    make_older(timedelta(minutes=11))

    assert expire_due(now=database_now()) == 0
    assert reserved(sku) == 2


def test_expiry_takes_no_more_than_its_limit(sku, now):
    for _ in range(3):
        hold(wanted=[Wanted(uuid.uuid4(), sku.pk, 1)], now=now, ttl=TTL)
    make_older(timedelta(minutes=11))

    assert expire_due(now=database_now(), limit=2) == 2
    assert expire_due(now=database_now(), limit=2) == 1


def test_the_command_sweeps_everything_that_is_due(sku, held, capsys):
    make_older(timedelta(minutes=11))

    call_command("sweep_holds")

    assert "1 holds expired" in capsys.readouterr().out
    assert reserved(sku) == 0


def test_the_worker_sweeps_every_minute():
    from shops.stock import tasks

    assert tasks.sweep_holds.name in app.tasks
    crons = {
        periodic.task.name: periodic.cron
        for periodic in app.periodic_registry.periodic_tasks.values()
    }
    assert crons["stock.sweep_holds"] == "* * * * *"
