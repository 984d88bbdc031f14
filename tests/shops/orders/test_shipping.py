"""Lines leave the shop in parcels, each once; their units leave the stock."""

import threading

import pytest
from django.core import mail
from django.db import IntegrityError, connection, transaction

from shops.facts.models import Event
from shops.facts.publishing import read
from shops.facts.refused import NotFound, Refused
from shops.orders import packing, reactions
from shops.orders.carriers import BadTracking
from shops.orders.models import Order, OrderEvent, Parcel, ParcelLine
from shops.orders.services import (
    AlreadySent,
    NotCancellable,
    NotShippable,
    NotTogether,
    PurchaseClosed,
    TrackingUsed,
    call_off,
    correct_tracking,
    mark_paid,
    shipping,
)
from shops.stock.models import Hold, Stock
from tests.factories.catalog import ProductFactory, SkuFactory
from tests.factories.checkout import purchase_of
from tests.shops.orders.life import lines_of, number, sent

pytestmark = pytest.mark.django_db


@pytest.fixture
def cup(shop):
    return SkuFactory(product=ProductFactory(shop=shop, title="Cup"))


@pytest.fixture
def two_lines(alice, mug, cup, now):
    """A paid order of a mug and a cup."""
    return _paid(alice, mug, cup, now=now)


def _paid(user, *skus, now, **how):
    purchase = purchase_of(user, *skus, now=now, **how)
    mark_paid(purchase_id=purchase.pk, now=now)
    return purchase.orders.get()


def _stock(sku):
    row = Stock.objects.get(pk=sku.pk)
    return (row.on_hand, row.reserved)


def test_what_is_shipped_leaves_the_stock_and_the_order_is_on_its_way(paid, mug, carol, now):
    assert _stock(mug) == (10, 2)
    parcel = sent(paid, now=now, by=carol)
    paid.refresh_from_db()
    assert (paid.state, paid.shipped_at, parcel.state) == ("in_transit", now, "pending")
    assert _stock(mug) == (8, 0)
    assert Hold.objects.get(pk=paid.lines.get().hold_id).state == "sold"
    event = paid.events.get(to_state="in_transit")
    assert (event.by, event.reason) == (carol, "UPS 1Z999AA10123456784")
    fact = Event.objects.get(kind="OrderShipped").payload
    assert (fact["parcel_id"], fact["is_partial"]) == (parcel.pk, False)


def test_some_lines_first_and_the_rest_later(two_lines, now):
    mug_line, cup_line = lines_of(two_lines)
    sent(two_lines, lines=[mug_line], tracking=number(1), now=now)
    two_lines.refresh_from_db()
    assert (two_lines.state, two_lines.shipped_at) == ("partially_shipped", None)
    with pytest.raises(AlreadySent):
        sent(two_lines, lines=[mug_line, cup_line], tracking=number(2), now=now)
    sent(two_lines, lines=[cup_line], tracking=number(2), now=now)
    two_lines.refresh_from_db()
    assert two_lines.state == "in_transit"
    told = Event.objects.filter(kind="OrderShipped").order_by("pk")
    assert [event.payload["is_partial"] for event in told] == [True, False]


def test_what_one_buyer_bought_in_one_show_goes_into_one_parcel(alice, mug, cup, now, shop):
    orders = [_paid(alice, sku, now=now) for sku in (mug, cup)]
    (box,) = packing.boxes(shop_id=shop.pk)
    assert {order.pk for order in box.orders} == {order.pk for order in orders}
    sent(*orders, now=now)
    assert {o.state for o in Order.objects.filter(shop=shop)} == {"in_transit"}
    assert packing.boxes(shop_id=shop.pk) == []


def test_other_buyers_addresses_and_shows_go_into_other_parcels(alice, bob, mug, cup, now, shop):
    first = _paid(alice, mug, now=now)
    others = [_paid(bob, cup, now=now), _paid(alice, cup, now=now), _paid(alice, cup, now=now)]
    Order.objects.filter(pk=others[1].pk).update(address={**first.address, "line1": "Via Po 2"})
    Order.objects.filter(pk=others[2].pk).update(group="piece.7")
    assert len(packing.boxes(shop_id=shop.pk)) == 4
    for other in others:
        with pytest.raises(NotTogether):
            sent(first, other, now=now)
    assert not Parcel.objects.exists()


def test_what_is_not_waiting_for_shipment_is_not_shipped(paid, order, purchase, alice, mug, now):
    unpaid = purchase_of(alice, mug, now=now).orders.get()
    with pytest.raises(NotShippable):
        sent(unpaid, now=now)
    call_off(order_id=paid.pk, reason="", now=now)
    with pytest.raises(NotShippable):
        sent(paid, now=now)


def test_a_shop_ships_only_its_own(paid, purchase, lamp, now):
    others = purchase.orders.get(lines__sku=lamp)
    with pytest.raises(NotFound):
        sent(paid, lines=lines_of(paid, others), now=now)
    with pytest.raises(NotFound):
        sent(paid, lines=[0], now=now)


def test_after_shipping_nothing_is_called_off(paid, now):
    sent(paid, now=now)
    with pytest.raises(NotCancellable):
        call_off(order_id=paid.pk, reason="", now=now)


def test_a_tracking_number_is_one_parcels(two_lines, shop, carol, now):
    first, second = lines_of(two_lines)
    sent(two_lines, lines=[first], tracking=number(1), now=now)
    with pytest.raises(TrackingUsed):
        sent(two_lines, lines=[second], tracking=number(1), now=now)
    parcel = sent(two_lines, lines=[second], tracking=number(2), now=now)
    mend = {"parcel_id": parcel.pk, "shop_id": shop.pk, "carrier": "ups", "by": carol, "now": now}
    with pytest.raises(TrackingUsed):
        correct_tracking(tracking_number=number(1), **mend)
    correct_tracking(tracking_number=number(3), **mend)
    parcel.refresh_from_db()
    assert parcel.tracking_number == number(3)
    assert parcel.events.latest("pk").reason == f"Was: UPS {number(2)}"
    with pytest.raises(NotFound):
        correct_tracking(tracking_number=number(4), **{**mend, "shop_id": shop.pk + 1})


def test_a_number_that_the_carrier_never_gives_is_refused(paid, now):
    with pytest.raises(BadTracking):
        sent(paid, tracking="12", now=now)
    paid.refresh_from_db()
    assert paid.state == "awaiting_shipment"


def test_the_database_keeps_a_line_in_one_parcel(paid, now):
    parcel = sent(paid, now=now)
    with pytest.raises(IntegrityError), transaction.atomic():
        ParcelLine.objects.create(parcel=parcel, order_line=paid.lines.get())


def test_the_buyer_gets_the_tracking_number(paid, alice, now, settings):
    settings.SITE_URL = "https://shop.example"
    sent(paid, now=now)
    event = Event.objects.get(kind="OrderShipped")
    reactions.tell_shipped(read(event), event_id=event.pk, now=now)
    (letter,) = mail.outbox
    assert letter.to == [alice.email]
    assert "UPS: 1Z999AA10123456784" in letter.body
    assert "https://www.ups.com/track?tracknum=1Z999AA10123456784" in letter.body
    assert f"https://shop.example/orders/{paid.number}/" in letter.body


def _race(*works):
    barrier = threading.Barrier(len(works))
    ended = []

    def run(work):
        barrier.wait()
        try:
            work()
            ended.append("done")
        except Refused as refused:
            ended.append(refused.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(ended)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round_number", range(2))
def test_two_people_who_ship_the_same_at_once_make_one_parcel(paid, mug, now, round_number):
    ended = _race(
        lambda: sent(paid, tracking=number(1), now=now),
        lambda: sent(paid, tracking=number(2), now=now),
    )
    assert ended in (["already_sent", "done"], ["done", "order_not_shippable"])
    assert Parcel.objects.count() == 1
    assert _stock(mug) == (8, 0)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round_number", range(3))
def test_shipping_and_cancelling_at_once_end_in_one_of_them(paid, mug, now, round_number):
    ended = _race(
        lambda: sent(paid, now=now),
        lambda: call_off(order_id=paid.pk, reason="", now=now),
    )
    assert ended.count("done") == 1
    paid.refresh_from_db()
    seen = (paid.state, _stock(mug), Parcel.objects.count())
    assert seen in [("in_transit", (8, 0), 1), ("cancelled", (10, 0), 0)]
    assert OrderEvent.objects.filter(order=paid, from_state="awaiting_shipment").count() == 1


def test_without_lock_and_comparison_a_cancelled_order_is_shipped(paid, mug, now, monkeypatch):
    """The control: who goes by what was read before the other one wrote ships what is free."""

    def blindly(order, to, *, now, reason="", by=None, **fields):
        Order.objects.filter(pk=order.pk).update(state=to, **fields)

    stale, lines = Order.objects.get(pk=paid.pk), list(paid.lines.all())
    call_off(order_id=paid.pk, reason="", now=now)
    monkeypatch.setattr(shipping, "_locked", lambda shop_id, line_ids: ([stale], lines))
    monkeypatch.setattr(shipping.stock, "ship", lambda **_: None)
    with pytest.raises(PurchaseClosed), transaction.atomic():
        sent(paid, now=now)  # the comparison alone still stops it
    monkeypatch.setattr(shipping, "move", blindly)
    sent(paid, now=now)
    paid.refresh_from_db()
    told = set(Event.objects.filter(payload__order_id=paid.pk).values_list("kind", flat=True))
    assert {"OrderCancelled", "OrderShipped"} <= told
    assert (paid.state, _stock(mug)) == ("in_transit", (10, 0))
