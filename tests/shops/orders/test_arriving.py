"""Parcels go on their way and arrive; orders are delivered, then completed."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from standardwebhooks import Webhook

from shops.facts.models import Event
from shops.facts.publishing import read
from shops.facts.refused import NotFound
from shops.orders import reactions
from shops.orders.models import ParcelState
from shops.orders.services import (
    BadParcelState,
    NotOnItsWay,
    complete_due,
    confirm_receipt,
    count_as_delivered,
    mark_paid,
    mark_settled,
    move_parcel,
    parcels_moved,
    record_refund,
)
from tests.factories.checkout import purchase_of
from tests.shops.orders.life import TRACKING, lines_of, number, sent

pytestmark = pytest.mark.django_db

SECRET = "whsec_Y2FycmllcnMtb25seS1mb3ItdGhlLXRlc3RzISEhIQ=="


@pytest.fixture
def two_parcels(alice, mug, scarf, now):
    """An order that travels in two parcels."""
    purchase = purchase_of(alice, mug, scarf, now=now)
    mark_paid(purchase_id=purchase.pk, now=now)
    order = purchase.orders.get()
    first, second = lines_of(order)
    parcels = [
        sent(order, lines=[first], tracking=number(1), now=now),
        sent(order, lines=[second], tracking=number(2), now=now),
    ]
    order.refresh_from_db()
    return order, parcels


def _moved(parcel, to, now):
    return move_parcel(parcel_id=parcel.pk, to=ParcelState(to), now=now)


def test_an_order_is_delivered_when_its_last_parcel_is(two_parcels, now):
    order, (first, second) = two_parcels
    _moved(first, "delivered", now)
    order.refresh_from_db()
    assert order.state == "in_transit"
    later = now + timedelta(days=1)
    _moved(second, "in_transit", later)
    _moved(second, "delivered", later)
    order.refresh_from_db()
    assert (order.state, order.delivered_at) == ("delivered", later)
    fact = read(Event.objects.get(kind="OrderDelivered"))
    assert fact.delivered_at == later
    assert Event.objects.filter(kind="ParcelMoved").count() == 3


def test_the_rest_arrives_without_what_was_lost(two_parcels, now):
    order, (first, second) = two_parcels
    _moved(first, "lost", now)
    _moved(second, "delivered", now)
    order.refresh_from_db()
    assert order.state == "delivered"


def test_what_was_lost_whole_and_given_back_is_cancelled(paid, now):
    parcel = sent(paid, now=now)
    _moved(parcel, "lost", now)
    paid.refresh_from_db()
    assert paid.state == "in_transit"
    record_refund(order_id=paid.pk, amount_minor=paid.total_minor, now=now)
    paid.refresh_from_db()
    assert paid.state == "cancelled"
    _moved(parcel, "delivered", now)  # it was found after all; the buyer has the money back
    paid.refresh_from_db()
    assert paid.state == "cancelled"


def test_a_refund_of_what_is_on_its_way_does_not_stop_it(paid, now):
    parcel = sent(paid, now=now)
    record_refund(order_id=paid.pk, amount_minor=paid.total_minor, now=now)
    _moved(parcel, "delivered", now)
    paid.refresh_from_db()
    assert (paid.state, paid.is_refunded) == ("delivered", True)


def test_nothing_leads_back(paid, now):
    parcel = sent(paid, now=now)
    _moved(parcel, "in_transit", now)
    _moved(parcel, "in_transit", now)
    with pytest.raises(BadParcelState):
        _moved(parcel, "collected", now)
    assert parcel.events.count() == 2


def test_a_shop_moves_only_its_own_parcels(paid, shop, now):
    parcel = sent(paid, now=now)
    with pytest.raises(NotFound):
        move_parcel(parcel_id=parcel.pk, to=ParcelState.DELIVERED, shop_id=shop.pk + 1, now=now)


def test_the_buyer_says_that_it_came(two_parcels, alice, bob, now):
    order, parcels = two_parcels
    with pytest.raises(NotFound):
        confirm_receipt(number=order.number, buyer=bob, now=now)
    confirm_receipt(number=order.number, buyer=alice, now=now)
    order.refresh_from_db()
    assert (order.state, order.delivered_at) == ("delivered", now)
    for parcel in parcels:
        parcel.refresh_from_db()
        assert (parcel.state, parcel.events.latest("pk").by) == ("delivered", alice)
    with pytest.raises(NotOnItsWay):
        confirm_receipt(number=order.number, buyer=alice, now=now)


def test_what_was_not_sent_did_not_come(paid, alice, now):
    with pytest.raises(NotOnItsWay):
        confirm_receipt(number=paid.number, buyer=alice, now=now)


def test_where_nobody_tells_an_order_counts_as_delivered_after_a_while(paid, now, settings):
    sent(paid, now=now)
    later = now + timedelta(days=settings.DELIVERED_AFTER_DAYS)
    assert count_as_delivered(now=later - timedelta(minutes=1)) == 0
    assert count_as_delivered(now=later) == 1
    assert count_as_delivered(now=later) == 0
    paid.refresh_from_db()
    assert (paid.state, paid.delivered_at) == ("delivered", later)


@pytest.mark.parametrize("trouble", ["exception", "lost"])
def test_silence_does_not_count_when_something_is_wrong(paid, now, settings, trouble):
    _moved(sent(paid, now=now), trouble, now)
    assert count_as_delivered(now=now + timedelta(days=settings.DELIVERED_AFTER_DAYS + 1)) == 0


def test_a_delivered_order_is_completed_after_the_return_window(paid, alice, now, settings):
    sent(paid, now=now)
    confirm_receipt(number=paid.number, buyer=alice, now=now)
    over = now + timedelta(days=settings.RETURN_WINDOW_DAYS)
    assert complete_due(now=over - timedelta(minutes=1)) == 0
    assert complete_due(now=over) == 1
    assert complete_due(now=over) == 0
    paid.refresh_from_db()
    assert (paid.state, paid.completed_at, paid.complete_at) == ("completed", over, over)
    assert Event.objects.filter(kind="OrderCompleted").count() == 1


def test_an_order_is_settled_once_and_only_when_it_came(paid, alice, now):
    assert mark_settled(order_id=paid.pk, now=now) is False
    sent(paid, now=now)
    confirm_receipt(number=paid.number, buyer=alice, now=now)
    assert mark_settled(order_id=paid.pk, now=now) is True
    assert mark_settled(order_id=paid.pk, now=now) is False


def test_the_buyer_is_told_how_long_it_can_be_sent_back(paid, alice, now):
    sent(paid, now=now)
    confirm_receipt(number=paid.number, buyer=alice, now=now)
    event = Event.objects.get(kind="OrderDelivered")
    reactions.tell_delivered(read(event), event_id=event.pk, now=now)
    (letter,) = mail.outbox
    assert "was delivered" in letter.subject
    assert "You can ask to send it back until" in letter.body


def _call(client, body, *, secret=SECRET):
    text = body if isinstance(body, str) else json.dumps(body)
    now = datetime.now(UTC)
    signature = Webhook(secret).sign("msg_1", now, text)
    return client.post(
        "/carriers/events/",
        text,
        content_type="application/json",
        headers={
            "webhook-id": "msg_1",
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": signature,
        },
    )


def _news(**more):
    return {"carrier": "ups", "tracking_number": TRACKING, "state": "delivered", **more}


def test_a_carrier_tells_and_twice_is_once(client, paid, now, settings):
    settings.CARRIER_WEBHOOK_SECRET = SECRET
    parcel = sent(paid, now=now)
    news = _news(tracking_number="1z 999 AA1 0123456784", note="Left with a neighbour")
    assert _call(client, news).status_code == 204
    assert _call(client, _news(state="in_transit")).status_code == 204  # late
    assert _call(client, news).status_code == 204
    parcel.refresh_from_db()
    paid.refresh_from_db()
    assert (parcel.state, paid.state) == ("delivered", "delivered")
    assert parcel.events.count() == 2
    assert parcel.events.latest("pk").reason == "Left with a neighbour"


def test_what_a_carrier_did_not_sign_or_nobody_sent_is_refused(client, paid, now, settings):
    parcel = sent(paid, now=now)
    assert _call(client, _news()).status_code == 404  # no secret: no door
    settings.CARRIER_WEBHOOK_SECRET = SECRET
    wrong = "whsec_" + "QUFB" * 8
    assert _call(client, _news(), secret=wrong).status_code == 400
    assert _call(client, _news(tracking_number=number(9))).status_code == 404
    for bad in (_news(state="eaten"), _news(carrier="me"), _news(note="\x00"), {}, "[]", "nothing"):
        assert _call(client, bad).status_code == 400
    assert _call(client, _news(note="x" * 20_000)).status_code == 413
    parcel.refresh_from_db()
    assert parcel.state == "pending"


def test_two_shops_with_the_same_number_both_hear_of_it(paid, purchase, lamp, now):
    theirs = sent(purchase.orders.get(lines__sku=lamp), now=now)
    mine = sent(paid, now=now)
    to = {"carrier": "ups", "tracking_number": TRACKING, "to": ParcelState.COLLECTED, "now": now}
    assert parcels_moved(**to) == 2
    for parcel in (theirs, mine):
        parcel.refresh_from_db()
        assert parcel.state == "collected"
