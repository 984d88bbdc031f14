"""Movements: why units came and went, for ever; and the histories from before there were any."""

import importlib
import uuid
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Sum

from shops.facts.models import Event
from shops.facts.refused import NotFound
from shops.stock.models import Hold, HoldState, Stock, StockMovement
from shops.stock.services import (
    BadCount,
    BelowReserved,
    CannotUndo,
    NotOrdered,
    Wanted,
    commit,
    give_back,
    hold,
    receive,
    set_on_hand,
    ship,
    take_back,
    undo,
)
from tests.factories.catalog import SkuFactory

pytestmark = pytest.mark.django_db
TTL = timedelta(minutes=10)


@pytest.fixture
def sku(db):
    return SkuFactory(on_hand=5)


@pytest.fixture
def ordered(sku, now):
    """Two units of `sku` that are ordered."""
    [held] = hold(wanted=[Wanted(uuid.uuid4(), sku.pk, 2)], now=now, ttl=TTL)
    commit(hold_ids=[held.pk], now=now)
    return held


def row(sku):
    stock = Stock.objects.get(sku=sku)
    return stock.on_hand, stock.reserved


def newest(sku):
    return StockMovement.objects.filter(sku=sku).latest("id")


def test_a_delivery_says_who_and_why(sku, carol, now):
    receive(sku_id=sku.pk, quantity=3, now=now, actor=carol, reason="Order 12 of the mill")

    movement = newest(sku)
    assert (movement.kind, movement.quantity, movement.on_hand) == ("received", 3, 3)
    assert (movement.actor, movement.reason, movement.at) == (carol, "Order 12 of the mill", now)


@pytest.mark.parametrize(("count", "more"), [(7, 2), (1, -4)])
def test_a_new_count_is_a_correction_by_the_difference(sku, carol, now, count, more):
    set_on_hand(counts={sku.pk: count}, now=now, actor=carol, reason="Counted")

    movement = newest(sku)
    assert (movement.kind, movement.quantity, movement.on_hand) == ("corrected", abs(more), more)
    assert (movement.actor, movement.reason) == (carol, "Counted")


def test_the_same_count_is_no_movement(sku, now):
    set_on_hand(counts={sku.pk: 5}, now=now)

    assert newest(sku).kind == "opening"


def test_a_first_count_opens_the_books(now):
    sku = SkuFactory(on_hand=0)
    Stock.objects.filter(sku=sku).delete()

    set_on_hand(counts={sku.pk: 4}, now=now, reason="Feed")

    assert (newest(sku).kind, newest(sku).on_hand, newest(sku).reason) == ("opening", 4, "Feed")


def test_a_reason_of_ten_thousand_characters_is_cut(sku, now):
    receive(sku_id=sku.pk, quantity=1, now=now, reason="é" * 10_000)

    assert newest(sku).reason == "é" * 200


def test_shipping_takes_the_units_out_of_the_stock_once(sku, ordered, carol, now):
    assert ship(hold_ids=[ordered.pk], now=now, actor=carol) == 1
    assert ship(hold_ids=[ordered.pk], now=now, actor=carol) == 0

    assert row(sku) == (3, 0)
    assert Hold.objects.get().state == HoldState.SOLD
    movement = newest(sku)
    assert (movement.kind, movement.on_hand, movement.committed) == ("sold", -2, -2)
    assert movement.actor == carol
    assert Event.objects.filter(kind="StockChanged").latest("id").payload["on_hand"] == 3


def test_what_is_shipped_cannot_be_given_back_to_the_shelf(sku, ordered, now):
    ship(hold_ids=[ordered.pk], now=now)

    assert give_back(hold_ids=[ordered.pk], now=now) == 0
    assert row(sku) == (3, 0)


@pytest.mark.parametrize("which", ["held", "given back", "never was"])
def test_only_what_is_ordered_can_be_shipped(sku, ordered, now, which):
    other = hold(wanted=[Wanted(uuid.uuid4(), sku.pk, 1)], now=now, ttl=TTL)[0].pk
    if which == "given back":
        commit(hold_ids=[other], now=now)
        give_back(hold_ids=[other], now=now)
    elif which == "never was":
        other = uuid.uuid4()
    before = row(sku)

    with pytest.raises(NotOrdered) as refused, transaction.atomic():
        ship(hold_ids=[ordered.pk, other], now=now)

    assert refused.value.extra["hold_ids"] == [str(other)]
    assert row(sku) == before


def test_returned_units_are_for_sale_again(sku, ordered, carol, now):
    ship(hold_ids=[ordered.pk], now=now)

    assert take_back(sku_id=sku.pk, quantity=2, reason="Too small", actor=carol, now=now) == 5

    assert (newest(sku).kind, newest(sku).on_hand, newest(sku).reason) == (
        "returned",
        2,
        "Too small",
    )


@pytest.mark.parametrize("quantity", [0, -1, 10**6])
def test_taking_back_nothing_or_too_much_is_refused(sku, now, quantity):
    with pytest.raises(BadCount):
        take_back(sku_id=sku.pk, quantity=quantity, reason="", actor=None, now=now)


def test_a_correction_is_undone_by_its_opposite_once(sku, carol, now):
    set_on_hand(counts={sku.pk: 50}, now=now, reason="Typed wrong")
    wrong = newest(sku)

    assert undo(movement_id=wrong.pk, sku_id=sku.pk, actor=carol, now=now) == 5

    counter = newest(sku)
    assert (counter.kind, counter.on_hand, counter.undoes) == ("corrected", -45, wrong)
    assert counter.actor == carol
    with pytest.raises(CannotUndo):
        undo(movement_id=wrong.pk, sku_id=sku.pk, actor=carol, now=now)
    assert row(sku) == (5, 0)


def test_an_undo_can_be_undone(sku, now):
    receive(sku_id=sku.pk, quantity=4, now=now)
    undo(movement_id=newest(sku).pk, sku_id=sku.pk, actor=None, now=now)

    assert undo(movement_id=newest(sku).pk, sku_id=sku.pk, actor=None, now=now) == 9


def test_units_that_are_ordered_cannot_be_undone(sku, now):
    receive(sku_id=sku.pk, quantity=4, now=now)
    delivery = newest(sku)
    hold(wanted=[Wanted(uuid.uuid4(), sku.pk, 8)], now=now, ttl=TTL)

    with pytest.raises(BelowReserved) as refused:
        undo(movement_id=delivery.pk, sku_id=sku.pk, actor=None, now=now)

    assert refused.value.extra["reserved"] == 8
    assert row(sku) == (9, 8)


def test_what_buyers_did_cannot_be_undone_and_what_is_not_there_neither(sku, ordered, now):
    with pytest.raises(CannotUndo):
        undo(movement_id=newest(sku).pk, sku_id=sku.pk, actor=None, now=now)
    with pytest.raises(NotFound):
        undo(movement_id=newest(sku).pk, sku_id=SkuFactory().pk, actor=None, now=now)


@pytest.mark.parametrize(
    "sql",
    ["UPDATE stock_stockmovement SET reason = 'x'", "DELETE FROM stock_stockmovement"],
    ids=["update", "delete"],
)
def test_the_database_lets_nobody_change_a_movement(sku, sql):
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        connection.cursor().execute(sql)

    assert newest(sku).reason == ""


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "received", "on_hand": -1},
        {"kind": "held", "held": 2},
        {"kind": "committed", "committed": 1},
        {"kind": "sold", "committed": -1},
        {"kind": "stolen"},
        {"kind": "held", "held": 0, "quantity": 0},
    ],
    ids=lambda fields: fields["kind"],
)
def test_the_database_refuses_a_movement_that_is_not_of_its_kind(sku, fields):
    with pytest.raises(IntegrityError), transaction.atomic():
        StockMovement.objects.create(**{"sku": sku, "quantity": 1, **fields})


# The table that the histories of holds were in before there were movements.
_OLD_TABLE = """
CREATE TABLE stock_holdevent (id bigserial PRIMARY KEY, hold_id uuid, from_state text,
    to_state text, at timestamptz)
"""
_OLD_HISTORIES = [
    [("", "held")],
    [("", "held"), ("held", "committed")],
    [("", "held"), ("held", "committed"), ("committed", "released")],
    [("", "held"), ("held", "released")],
    [("", "held"), ("held", "expired")],
    [],  # one that was made without a history
]


def test_old_histories_become_movements_that_recompute_the_stock(now):
    migration = importlib.import_module("shops.stock.migrations.0003_open_the_books")
    sku, empty = SkuFactory(on_hand=0), SkuFactory(on_hand=0)
    Stock.objects.filter(sku=sku).update(on_hand=20, reserved=6)
    with connection.cursor() as cursor:
        cursor.execute(_OLD_TABLE)
        for units, path in enumerate(_OLD_HISTORIES, start=1):
            state = path[-1][1] if path else "released"
            held = Hold.objects.create(sku=sku, quantity=units, state=state, expires_at=now)
            for frm, to in path:
                cursor.execute(
                    "INSERT INTO stock_holdevent (hold_id, from_state, to_state, at)"
                    " VALUES (%s, %s, %s, %s)",
                    [held.pk, frm, to, now],
                )
        bare = Hold.objects.create(sku=sku, quantity=3, state="committed", expires_at=now)
        cursor.execute("SELECT count(*) FROM stock_holdevent")
        [events] = cursor.fetchone()

        cursor.execute(migration.FORWARD)

        sums = StockMovement.objects.filter(sku=sku).aggregate(
            on_hand=Sum("on_hand"), held=Sum("held"), committed=Sum("committed")
        )
        assert sums == {"on_hand": 20, "held": 1, "committed": 2 + bare.quantity}
        assert not StockMovement.objects.filter(sku=empty).exists()
        assert StockMovement.objects.exclude(kind="opening").count() == events
        cursor.execute("DELETE FROM stock_holdevent")
        cursor.execute("SET LOCAL session_replication_role = replica")

        cursor.execute(migration.BACKWARD)

        cursor.execute("SELECT count(*) FROM stock_holdevent")
        assert cursor.fetchone() == (events,)
        cursor.execute("SET LOCAL session_replication_role = origin")
    assert not StockMovement.objects.exists()
