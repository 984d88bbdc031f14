"""Races of the waitlist on real connections: one offer per unit, and every unit offered on."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection

from shops.facts.refused import Refused
from shops.stock.models import EntryState, Hold, HoldState, Stock, WaitlistEntry
from shops.stock.queries import database_now
from shops.stock.services import (
    OfferOver,
    commit,
    decline,
    expire_due,
    give_back,
    leave,
    release,
    waitlist,
)
from tests.factories.accounts import UserFactory
from tests.factories.catalog import SkuFactory
from tests.factories.stock import keep, let_time_pass, order, wait

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*actions):
    """Run each action on a thread and connection of its own; return results and refusals."""
    ready = threading.Barrier(len(actions))

    def run(action):
        try:
            connection.ensure_connection()
            ready.wait(timeout=30)
            return action()
        except Refused as refused:
            return refused
        finally:
            connection.close()

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(run, actions))


def states():
    return list(WaitlistEntry.objects.order_by("id").values_list("state", flat=True))


def check(sku):
    """What is reserved is what live holds sum to, and each offer has a hold of its own."""
    stock = Stock.objects.get(sku=sku)
    live = Hold.objects.filter(state__in=[HoldState.HELD, HoldState.COMMITTED])
    assert stock.reserved == sum(live.values_list("quantity", flat=True)) <= stock.on_hand
    offers = set(WaitlistEntry.objects.filter(state="offered").values_list("hold_id", flat=True))
    assert offers <= set(live.filter(state="held").values_list("pk", flat=True))
    return stock.available


def test_units_that_are_freed_at_once_go_to_different_people(now):
    for _ in range(3):
        sku = SkuFactory(on_hand=4)
        gone = [order(sku) for _ in range(4)]
        entries = [wait(UserFactory(), sku) for _ in range(5)]

        at_once(
            *[lambda one=one: give_back(hold_ids=[one.pk], now=now) for one in gone],
        )

        mine = WaitlistEntry.objects.filter(sku=sku).order_by("id")
        assert [one.state for one in mine] == ["offered"] * 4 + ["waiting"]
        assert len({one.hold_id for one in mine[:4]}) == 4
        assert Stock.objects.get(sku=sku).available == 0
        assert entries[4].state == EntryState.WAITING


def test_control_without_the_lock_both_offer_to_the_same_person(now, monkeypatch):
    """Two who free units look up whose turn it is before one of them has written it down."""
    sku = SkuFactory(on_hand=2)
    wait_for_each_other = threading.Barrier(2)
    offer_to = []

    def look_without_lock(level, *, now):
        found = WaitlistEntry.objects.filter(sku_id=level.sku_id, state="waiting").first()
        wait_for_each_other.wait(timeout=30)
        offer_to.append(found.pk)
        return level

    gone = [order(sku), order(sku)]
    wait(UserFactory(), sku), wait(UserFactory(), sku)
    monkeypatch.setattr(waitlist, "_offer", look_without_lock)
    levels = [waitlist.statements.Level(sku.pk, sku.product_id, 2, 1, 1)]

    at_once(*[lambda: waitlist.pass_on(levels, now=now) for _ in gone])

    assert len(set(offer_to)) < len(offer_to)


def test_an_offer_is_taken_or_expired_never_both(now):
    """Who waits next gets it exactly when the first one does not."""
    for _ in range(6):
        sku = SkuFactory(on_hand=1)
        gone = order(sku)
        first, second = wait(UserFactory(), sku), wait(UserFactory(), sku)
        give_back(hold_ids=[gone.pk], now=now)
        hold_id = WaitlistEntry.objects.get(pk=first.pk).hold_id

        at_once(
            lambda hold_id=hold_id: commit(hold_ids=[hold_id], now=now),
            # As if the sweeper's clock said that it is due just now.
            lambda: expire_due(now=database_now() + timedelta(minutes=11)),
        )

        first.refresh_from_db()
        second.refresh_from_db()
        assert (first.state, second.state) in {("taken", "waiting"), ("expired", "offered")}
        assert Stock.objects.get(sku=sku).reserved == 1


def test_no_thanks_against_expiry_ends_an_offer_once(now):
    for _ in range(4):
        sku = SkuFactory(on_hand=1)
        gone = order(sku)
        user = UserFactory()
        first, second = wait(user, sku), wait(UserFactory(), sku)
        give_back(hold_ids=[gone.pk], now=now)
        let_time_pass(minutes=11)

        results = at_once(
            lambda first=first, user=user: decline(entry_id=first.pk, user_id=user.pk, now=now),
            lambda: expire_due(now=database_now(), limit=1),
            lambda: expire_due(now=database_now(), limit=1),
        )

        first.refresh_from_db()
        second.refresh_from_db()
        assert first.state == (
            EntryState.EXPIRED if isinstance(results[0], OfferOver) else EntryState.DECLINED
        )
        assert second.state == EntryState.OFFERED
        assert first.events.count() == 3


def test_joining_against_freeing_leaves_nobody_waiting_beside_free_units(now):
    """Whoever joins sees the units, or the units see who joined."""
    for _ in range(6):
        sku = SkuFactory(on_hand=1)
        gone = order(sku)
        user = UserFactory()

        joined, _freed = at_once(
            lambda sku=sku, user=user: wait(user, sku),
            lambda gone=gone: give_back(hold_ids=[gone.pk], now=now),
        )

        free = Stock.objects.get(sku=sku).available
        if isinstance(joined, Refused):
            assert free == 1
        else:
            assert (free, WaitlistEntry.objects.get(user=user).state) == (0, "offered")


def test_everybody_comes_and_goes_and_the_books_agree(now):
    sku = SkuFactory(on_hand=6)
    holds = [keep(sku) for _ in range(3)] + [order(sku) for _ in range(3)]
    people = [UserFactory() for _ in range(10)]
    entries = [wait(person, sku) for person in people]

    def free(one):
        give_back(hold_ids=[one.pk], now=now)
        release(hold_ids=[one.pk], now=now)

    def go(entry):
        leave(entry_id=entry.pk, user_id=entry.user_id, now=now)

    at_once(
        *[lambda one=one: free(one) for one in holds],
        *[lambda entry=entry: go(entry) for entry in entries[:6]],
    )

    assert states()[:6] == ["left"] * 6
    assert states()[6:] == ["offered"] * 4
    assert check(sku) == 2
