"""Whatever is done in whatever order, the books of a SKU agree with its holds."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import F, Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shops.facts.models import Event
from shops.facts.refused import Refused
from shops.stock.models import HOLD_TRANSITIONS, Hold, HoldEvent, HoldState, Stock
from shops.stock.queries import database_now
from shops.stock.services import (
    Wanted,
    commit,
    expire_due,
    give_back,
    hold,
    receive,
    release,
    renew,
    set_on_hand,
)
from tests.factories.catalog import SkuFactory

pytestmark = pytest.mark.django_db
IDS = [uuid.UUID(int=n) for n in range(1, 7)]
SKUS = st.integers(0, 1)
SOME_IDS = st.lists(st.sampled_from(IDS), min_size=1, max_size=3, unique=True)

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
        st.tuples(st.just("release"), SOME_IDS),
        st.tuples(st.just("commit"), SOME_IDS),
        st.tuples(st.just("renew"), SOME_IDS),
        st.tuples(st.just("give_back"), SOME_IDS),
        st.tuples(st.just("time"), st.integers(1, 12)),
        st.tuples(st.just("sweep"), st.integers(1, 4)),
        st.tuples(st.just("count"), st.tuples(SKUS, st.integers(-1, 12))),
        st.tuples(st.just("receive"), st.tuples(SKUS, st.integers(-1, 5))),
    ),
    max_size=25,
)


def do(step, skus, now):
    what, value = step
    if what == "hold":
        wanted = [Wanted(one, skus[sku].pk, quantity) for one, sku, quantity in value]
        hold(wanted=wanted, now=now, ttl=timedelta(minutes=10))
    elif what == "time":
        Hold.objects.update(expires_at=F("expires_at") - timedelta(minutes=value))
    elif what == "sweep":
        expire_due(now=database_now(), limit=value)
    elif what == "count":
        set_on_hand(counts={skus[value[0]].pk: value[1]}, now=now)
    elif what == "receive":
        receive(sku_id=skus[value[0]].pk, quantity=value[1], now=now)
    else:
        action = {"release": release, "commit": commit, "renew": renew, "give_back": give_back}
        action[what](hold_ids=value, now=now)


def figures():
    return {
        row.sku_id: (row.on_hand, row.reserved, row.rev) for row in Stock.objects.order_by("sku_id")
    }


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS)
def test_reserved_is_what_live_holds_sum_to(steps, transactional_savepoint):
    with transactional_savepoint():
        skus = [SkuFactory(on_hand=5), SkuFactory(on_hand=8)]
        for step in steps:
            before = figures()
            try:
                do(step, skus, datetime.now(UTC))
            except Refused:
                assert figures() == before
            for sku_id, (on_hand, reserved, rev) in figures().items():
                live = Hold.objects.filter(
                    sku_id=sku_id, state__in=[HoldState.HELD, HoldState.COMMITTED]
                )
                assert 0 <= reserved <= on_hand
                assert reserved == (live.aggregate(n=Sum("quantity"))["n"] or 0)
                changed = before[sku_id][:2] != (on_hand, reserved)
                assert rev == before[sku_id][2] + changed
                if changed:
                    told = Event.objects.filter(kind="StockChanged", payload__sku_id=sku_id)
                    newest = told.latest("id").payload
                    assert (newest["on_hand"], newest["available"], newest["rev"]) == (
                        on_hand,
                        on_hand - reserved,
                        rev,
                    )
        for one in Hold.objects.all():
            path = list(one.events.order_by("id").values_list("from_state", "to_state"))
            assert path[0] == ("", "held")
            assert path[-1][1] == one.state
            assert all(to in HOLD_TRANSITIONS[HoldState(frm)] for frm, to in path[1:])
        assert HoldEvent.objects.count() >= Hold.objects.count()


@pytest.fixture
def transactional_savepoint(db):
    """Undo what one example did, before the next."""
    from contextlib import contextmanager

    from django.db import transaction

    @contextmanager
    def undone():
        with transaction.atomic():
            yield
            transaction.set_rollback(True)

    return undone
