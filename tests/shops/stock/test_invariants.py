"""Whatever is done in whatever order, the books of a SKU agree with its holds and movements."""

import uuid
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from django.db import transaction
from django.db.models import F, Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shops.facts.models import Event
from shops.facts.refused import Refused
from shops.stock.models import (
    ENTRY_TRANSITIONS,
    HOLD_TRANSITIONS,
    EntryState,
    Hold,
    HoldState,
    Stock,
    StockMovement,
    WaitlistEntry,
)
from shops.stock.queries import database_now
from shops.stock.services import (
    Wanted,
    commit,
    decline,
    expire_due,
    extend,
    give_back,
    hold,
    join,
    leave,
    receive,
    release,
    renew,
    set_on_hand,
    ship,
    take_back,
    undo,
)
from tests.factories.accounts import UserFactory
from tests.factories.catalog import SkuFactory

pytestmark = pytest.mark.django_db
IDS = [uuid.UUID(int=n) for n in range(1, 7)]
SKUS = st.integers(0, 1)
PEOPLE = st.integers(0, 2)
SOME_IDS = st.lists(st.sampled_from(IDS), min_size=1, max_size=3, unique=True)
BY_IDS = {
    "release": release,
    "commit": commit,
    "renew": renew,
    "extend": extend,
    "give_back": give_back,
    "ship": ship,
}
HOLD_STATE_AFTER = {
    "held": HoldState.HELD,
    "released": HoldState.RELEASED,
    "expired": HoldState.EXPIRED,
    "committed": HoldState.COMMITTED,
    "freed": HoldState.RELEASED,
    "sold": HoldState.SOLD,
}

STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("hold"),
            st.lists(
                st.tuples(st.sampled_from(IDS), SKUS, st.integers(-1, 7)),
                min_size=1,
                max_size=3,
                unique_by=lambda one: one[0],
            ),
        ),
        st.tuples(st.sampled_from(sorted(BY_IDS)), SOME_IDS),
        st.tuples(st.just("time"), st.integers(1, 12)),
        st.tuples(st.just("sweep"), st.integers(1, 4)),
        st.tuples(st.just("count"), st.tuples(SKUS, st.integers(-1, 12))),
        st.tuples(st.just("receive"), st.tuples(SKUS, st.integers(-1, 5))),
        st.tuples(st.just("take_back"), st.tuples(SKUS, st.integers(-1, 5))),
        st.tuples(st.just("undo"), st.integers(0, 9)),
        st.tuples(st.just("join"), st.tuples(PEOPLE, SKUS, st.integers(1, 4))),
        st.tuples(st.sampled_from(["leave", "decline", "take"]), st.integers(0, 5)),
    ),
    max_size=25,
)


def do(step, skus, people, now):
    what, value = step
    if what == "hold":
        wanted = [Wanted(one, skus[sku].pk, quantity) for one, sku, quantity in value]
        hold(wanted=wanted, now=now, ttl=timedelta(minutes=10))
    elif what == "time":
        Hold.objects.update(expires_at=F("expires_at") - timedelta(minutes=value))
    elif what == "sweep":
        expire_due(now=database_now(), limit=value)
    elif what == "count":
        set_on_hand(counts={skus[value[0]].pk: value[1]}, now=now, reason="counted")
    elif what == "receive":
        receive(sku_id=skus[value[0]].pk, quantity=value[1], now=now)
    elif what == "take_back":
        take_back(sku_id=skus[value[0]].pk, quantity=value[1], reason="", actor=None, now=now)
    elif what == "undo":
        for movement in StockMovement.objects.order_by("id")[value : value + 1]:
            undo(movement_id=movement.pk, sku_id=movement.sku_id, actor=None, now=now)
    elif what == "join":
        person, sku, quantity = value
        join(user=people[person], sku_id=skus[sku].pk, quantity=quantity, now=now)
    elif what in BY_IDS:
        BY_IDS[what](hold_ids=value, now=now)
    else:
        for entry in WaitlistEntry.objects.order_by("id")[value : value + 1]:
            if what == "take":
                commit(hold_ids=[entry.hold_id] if entry.hold_id else [], now=now)
            elif what == "leave":
                leave(entry_id=entry.pk, user_id=entry.user_id, now=now)
            else:
                decline(entry_id=entry.pk, user_id=entry.user_id, now=now)


def figures():
    return {
        row.sku_id: (row.on_hand, row.reserved, row.rev) for row in Stock.objects.order_by("sku_id")
    }


def from_movements(sku_id):
    """Recompute (on hand, held, committed) from nothing but the movements."""
    sums = StockMovement.objects.filter(sku_id=sku_id).aggregate(
        a=Sum("on_hand", default=0), b=Sum("held", default=0), c=Sum("committed", default=0)
    )
    return sums["a"], sums["b"], sums["c"]


def kept(sku_id, state):
    return Hold.objects.filter(sku_id=sku_id, state=state).aggregate(n=Sum("quantity", default=0))[
        "n"
    ]


def check_books(before):
    for sku_id, (on_hand, reserved, rev) in figures().items():
        held, committed = kept(sku_id, HoldState.HELD), kept(sku_id, HoldState.COMMITTED)
        assert 0 <= reserved <= on_hand
        assert reserved == held + committed
        assert from_movements(sku_id) == (on_hand, held, committed)
        if rev == before[sku_id][2]:
            assert (on_hand, reserved) == before[sku_id][:2]
        else:
            told = Event.objects.filter(kind="StockChanged", payload__sku_id=sku_id)
            newest = told.latest("id").payload
            assert (newest["on_hand"], newest["available"], newest["rev"]) == (
                on_hand,
                on_hand - reserved,
                rev,
            )


def check_histories():
    for one in Hold.objects.all():
        history = StockMovement.objects.filter(hold_id=one.pk).order_by("id")
        path = [HOLD_STATE_AFTER[kind] for kind in history.values_list("kind", flat=True)]
        assert path[0] == HoldState.HELD
        assert path[-1] == one.state
        assert all(after in HOLD_TRANSITIONS[before] for before, after in pairwise(path))
    for entry in WaitlistEntry.objects.all():
        path = list(entry.events.order_by("id").values_list("from_state", "to_state"))
        assert path[0] == ("", EntryState.WAITING)
        assert path[-1][1] == entry.state
        assert all(to in ENTRY_TRANSITIONS[EntryState(frm)] for frm, to in path[1:])
        if entry.hold_id:
            offer = Hold.objects.get(pk=entry.hold_id)
            assert (offer.buyer_id, offer.quantity) == (entry.user_id, entry.offered)
            assert (entry.state == EntryState.OFFERED) == (offer.state == HoldState.HELD)


def often(examples):
    return settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


@often(30)
@given(steps=STEPS)
def test_movements_always_recompute_the_stock(steps, transactional_savepoint):
    live(steps, transactional_savepoint)


@pytest.mark.campaign
@often(500)
@given(steps=STEPS)
def test_movements_recompute_the_stock_of_many_lives(steps, transactional_savepoint):
    live(steps, transactional_savepoint)


def live(steps, transactional_savepoint):
    with transactional_savepoint():
        skus = [SkuFactory(on_hand=5), SkuFactory(on_hand=8)]
        people = [UserFactory() for _ in range(3)]
        for step in steps:
            before = figures()
            try:
                do(step, skus, people, datetime.now(UTC))
            except Refused:
                assert figures() == before
            check_books(before)
        check_histories()


@pytest.mark.parametrize(
    "change",
    [
        lambda sku: Stock.objects.filter(sku=sku).update(on_hand=4),
        lambda sku: Stock.objects.filter(sku=sku).update(reserved=1),
        lambda sku: Hold.objects.create(sku=sku, quantity=1, expires_at=datetime.now(UTC)),
        lambda sku: StockMovement.objects.create(sku=sku, kind="received", quantity=1, on_hand=1),
    ],
    ids=["on hand", "reserved", "a hold", "a movement"],
)
def test_control_a_change_behind_the_books_back_is_seen(change):
    sku = SkuFactory(on_hand=5)
    check_books(figures())

    change(sku)

    with pytest.raises(AssertionError):
        check_books(figures())


@pytest.fixture
def transactional_savepoint(db):
    """Undo what one example did, before the next."""

    @contextmanager
    def undone():
        with transaction.atomic():
            yield
            transaction.set_rollback(True)

    return undone
