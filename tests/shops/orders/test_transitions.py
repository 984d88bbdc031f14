"""Whatever is asked of an order, in any order: it moves along its table and keeps its promises."""

import contextlib
import itertools
from datetime import timedelta

import pytest
from django.db import transaction
from django.test import override_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shops.facts.refused import Refused
from shops.orders import services
from shops.orders.models import (
    ORDER_TRANSITIONS,
    PARCEL_TRANSITIONS,
    Order,
    OrderEvent,
    OrderState,
    Parcel,
    ParcelEvent,
    ParcelState,
)
from shops.stock.models import Hold, Stock
from tests.factories.checkout import purchase_of
from tests.shops.orders.life import lines_of, number, sent

ENDS = {OrderState.COMPLETED, OrderState.CANCELLED}


@pytest.mark.parametrize("state", OrderState, ids=str)
def test_every_state_is_reached_and_left_but_for_the_ends(state):
    assert set(ORDER_TRANSITIONS) == set(OrderState)
    assert any(state in after for after in ORDER_TRANSITIONS.values())
    assert (not ORDER_TRANSITIONS[state]) == (state in ENDS)


def _reachable(table, start):
    seen, waiting = set(), [start]
    while waiting:
        for after in table[waiting.pop()]:
            if after not in seen:
                seen.add(after)
                waiting.append(after)
    return seen


@pytest.mark.parametrize(
    ("table", "ways_back"),
    [
        # Unpaid, expired, and unpaid again when money comes late and the units are still there.
        (ORDER_TRANSITIONS, {OrderState.UNPAID, OrderState.EXPIRED}),
        # What was held up goes on.
        (PARCEL_TRANSITIONS, {ParcelState.IN_TRANSIT, ParcelState.EXCEPTION}),
    ],
    ids=["order", "parcel"],
)
def test_hardly_anything_leads_back_to_where_it_was(table, ways_back):
    assert {state for state in table if state in _reachable(table, state)} == ways_back


STEPS = (
    "pay",
    "release",
    "cancel",
    "remorse",
    "call_off",
    "expire",
    "ship_one",
    "ship_all",
    "lose",
    "deliver",
    "receive",
    "refund_part",
    "refund_rest",
    "overdue",
    "silence",
    "complete",
    "settle",
)


def _act(step, order, buyer, now):
    order.refresh_from_db()
    match step:
        case "pay":
            services.mark_paid(purchase_id=order.purchase_id, now=now)
        case "release":
            services.release_due(now=now + timedelta(hours=2))
        case "cancel":
            services.cancel(order_id=order.pk, reason="", now=now)
        case "remorse":
            services.cancel_in_remorse(number=order.number, buyer=buyer, now=now)
        case "call_off":
            services.call_off(order_id=order.pk, reason="", now=now)
        case "expire":
            services.expire(purchase_id=order.purchase_id, now=order.purchase.pay_by)
        case "ship_one" | "ship_all":
            count = Parcel.objects.count()
            unsent = list(order.lines.filter(parcel_line=None).order_by("pk"))
            lines = [line.pk for line in unsent[: 1 if step == "ship_one" else None]]
            sent(order, lines=lines or lines_of(order), tracking=number(count), now=now)
        case "lose" | "deliver":
            to = ParcelState.LOST if step == "lose" else ParcelState.DELIVERED
            for parcel in Parcel.objects.order_by("pk")[:1]:
                services.move_parcel(parcel_id=parcel.pk, to=to, now=now)
        case "receive":
            services.confirm_receipt(number=order.number, buyer=buyer, now=now)
        case "refund_part":
            services.record_refund(order_id=order.pk, amount_minor=700, now=now)
        case "refund_rest":
            left = order.total_minor - order.refunded_minor
            services.record_refund(order_id=order.pk, amount_minor=left, now=now)
        case "overdue":
            services.cancel_overdue(now=now + timedelta(days=60))
        case "silence":
            services.count_as_delivered(now=now + timedelta(days=60))
        case "complete":
            services.complete_due(now=now + timedelta(days=200))
        case "settle":
            services.mark_settled(order_id=order.pk, now=now)


def _promises(order, skus):
    order.refresh_from_db()
    moves = list(OrderEvent.objects.filter(order=order).order_by("pk"))
    walked = [(e.from_state, e.to_state) for e in moves if e.from_state != e.to_state]
    assert walked[0] == ("", "unpaid")
    for (_, here), (there, to) in itertools.pairwise(walked):
        assert here == there
        assert to in ORDER_TRANSITIONS[OrderState(there)]
    assert walked[-1][1] == order.state
    for event in ParcelEvent.objects.exclude(from_state=""):
        assert event.to_state in PARCEL_TRANSITIONS[ParcelState(event.from_state)]
    assert 0 <= order.refunded_minor <= order.total_minor
    assert order.is_paid or not order.refunded_minor
    assert (order.delivered_at is not None) == (order.state in ("delivered", "completed"))
    assert order.settled_at is None or order.delivered_at
    assert bool(order.seller_address) == (order.released_at is not None)
    holds = {hold.pk: hold for hold in Hold.objects.filter(sku__in=skus)}
    for line in order.lines.all():
        state = holds[line.hold_id].state
        if hasattr(line, "parcel_line"):
            assert state == "sold"
        elif line.cancelled_at or order.state in ("cancelled", "expired"):
            assert state == "released"
        else:
            assert state == "committed"
    for sku in skus:
        row = Stock.objects.get(pk=sku.pk)
        kept = sum(
            h.quantity for h in holds.values() if h.sku_id == sku.pk and h.state == "committed"
        )
        gone = sum(h.quantity for h in holds.values() if h.sku_id == sku.pk and h.state == "sold")
        assert (row.on_hand, row.reserved) == (10 - gone, kept)


@pytest.fixture
def two_line_order(alice, mug, scarf, now):
    """An unpaid order of a mug and a scarf."""
    return purchase_of(alice, mug, scarf, now=now).orders.get()


@contextlib.contextmanager
def rolled_back():
    """Let nothing of an example be left for the next one."""
    mark = transaction.savepoint()
    try:
        yield
    finally:
        transaction.savepoint_rollback(mark)


@pytest.mark.django_db
@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    steps=st.lists(st.sampled_from(STEPS), min_size=1, max_size=9),
    begins_paid=st.booleans(),
    has_remorse=st.booleans(),
)
def test_any_life_keeps_the_promises(
    steps, begins_paid, has_remorse, mug, scarf, alice, now, two_line_order
):
    with rolled_back(), override_settings(REMORSE_SECONDS=3600 if has_remorse else 0):
        order = Order.objects.get(pk=two_line_order.pk)
        for step in (["pay", "release"] if begins_paid else []) + steps:
            with contextlib.suppress(Refused):
                _act(step, order, alice, now)
            _promises(order, [mug, scarf])
