"""A shop that does not ship in time is reminded; then the order, or its rest, is called off."""

from datetime import timedelta

import pytest
from django.core import mail

from shops.facts.models import Event
from shops.facts.publishing import read
from shops.orders import reactions
from shops.orders.models import Order, ParcelState
from shops.orders.services import (
    cancel_overdue,
    closing,
    mark_paid,
    move_parcel,
    record_refund,
    remind_due,
)
from shops.stock.models import Stock
from tests.factories.checkout import purchase_of
from tests.shops.orders.life import lines_of, number, sent

pytestmark = pytest.mark.django_db


@pytest.fixture
def half_sent(alice, mug, scarf, now):
    """An order of a mug (19.90), which was sent, and a scarf (25.00), which was not."""
    purchase = purchase_of(alice, mug, scarf, now=now)
    mark_paid(purchase_id=purchase.pk, now=now)
    order = purchase.orders.get()
    parcel = sent(order, lines=lines_of(order)[:1], now=now)
    order.refresh_from_db()
    return order, parcel


def _reserved(sku):
    return Stock.objects.get(pk=sku.pk).reserved


def test_what_is_not_shipped_in_time_is_cancelled_and_its_money_goes_back(paid, mug, now):
    assert cancel_overdue(now=paid.ship_by - timedelta(minutes=1)) == 0
    assert cancel_overdue(now=paid.ship_by) == 2  # the other shop's, too
    assert cancel_overdue(now=paid.ship_by) == 0
    paid.refresh_from_db()
    assert (paid.state, _reserved(mug)) == ("cancelled", 0)
    fact = Event.objects.get(kind="OrderCancelled", payload__order_id=paid.pk).payload
    assert (fact["was_paid"], fact["reason"]) == (True, "Not shipped in time")


def test_one_that_cannot_be_called_off_keeps_no_other_one_waiting(
    paid, purchase, lamp, now, monkeypatch, caplog
):
    def call_off(*, order_id, **how):
        if order_id == paid.pk:
            raise RuntimeError("a mistake")
        return closing.call_off(order_id=order_id, **how)

    monkeypatch.setattr("shops.orders.services.overdue.call_off", call_off)
    Order.objects.filter(pk=paid.pk).update(ship_by=paid.ship_by - timedelta(minutes=1))
    assert cancel_overdue(now=paid.ship_by) == 1
    assert purchase.orders.get(lines__sku=lamp).state == "cancelled"
    assert "a mistake" in caplog.text


def test_what_was_shipped_is_left_alone(paid, purchase, lamp, now):
    sent(paid, now=now)
    sent(purchase.orders.get(lines__sku=lamp), tracking=number(2), now=now)
    assert cancel_overdue(now=paid.ship_by) == 0


def test_the_rest_is_called_off_and_only_its_money_goes_back(half_sent, mug, scarf, now):
    order, parcel = half_sent
    assert cancel_overdue(now=order.ship_by) == 1
    assert cancel_overdue(now=order.ship_by) == 0
    order.refresh_from_db()
    assert (order.state, _reserved(scarf)) == ("in_transit", 0)
    fact = Event.objects.get(kind="LinesCancelled").payload
    assert (fact["amount_minor"], fact["line_ids"]) == (2500, lines_of(order)[1:])
    move_parcel(parcel_id=parcel.pk, to=ParcelState.DELIVERED, now=now)
    order.refresh_from_db()
    assert order.state == "delivered"


def test_when_all_that_was_sent_is_there_the_order_is_delivered(half_sent, now):
    order, parcel = half_sent
    move_parcel(parcel_id=parcel.pk, to=ParcelState.DELIVERED, now=now)
    order.refresh_from_db()
    assert order.state == "partially_shipped"
    cancel_overdue(now=order.ship_by)
    order.refresh_from_db()
    assert (order.state, order.delivered_at) == ("delivered", order.ship_by)


def test_what_went_back_before_does_not_go_back_again(half_sent, now):
    order, _parcel = half_sent
    record_refund(order_id=order.pk, amount_minor=order.total_minor - 1000, now=now)
    cancel_overdue(now=order.ship_by)
    assert Event.objects.get(kind="LinesCancelled").payload["amount_minor"] == 1000


def test_the_shop_is_reminded_once_and_before_it_is_too_late(paid, now):
    assert remind_due(now=paid.ship_by - timedelta(days=3)) == 0
    assert remind_due(now=paid.ship_by - timedelta(days=2)) == 2
    assert remind_due(now=paid.ship_by - timedelta(days=1)) == 0
    assert Event.objects.filter(kind="ShippingDue").count() == 2


def test_who_has_little_time_is_reminded_when_half_of_it_is_over(purchase, order, now, settings):
    settings.SHIP_WITHIN_DAYS = 1
    mark_paid(purchase_id=purchase.pk, now=now)
    assert remind_due(now=now + timedelta(hours=11)) == 0
    assert remind_due(now=now + timedelta(hours=12)) == 2


def test_the_reminder_says_until_when_and_is_not_sent_for_what_left_meanwhile(paid, carol, now):
    remind_due(now=paid.ship_by - timedelta(days=1))
    event = Event.objects.get(kind="ShippingDue", payload__order_id=paid.pk)
    reactions.remind_shop(read(event), event_id=event.pk, now=now)
    (letter,) = mail.outbox
    assert letter.to == [carol.email]
    assert f"{paid.ship_by:%Y, %H:%M} UTC it is cancelled" in letter.body
    sent(paid, now=now)
    reactions.remind_shop(read(event), event_id=event.pk, now=now)
    assert len(mail.outbox) == 1


def test_a_cancellation_is_told_to_both(paid, alice, carol, now):
    cancel_overdue(now=paid.ship_by)
    event = Event.objects.get(kind="OrderCancelled", payload__order_id=paid.pk)
    reactions.tell_cancelled(read(event), event_id=event.pk, now=now)
    to_buyer, to_shop = mail.outbox
    assert (to_buyer.to, to_shop.to) == ([alice.email], [carol.email])
    assert "€39.80 goes back" in to_buyer.body
    assert "Do not ship it" in to_shop.body
    assert "Via Roma" not in to_shop.body


def test_the_buyer_is_told_what_will_not_come_and_what_went_back(half_sent, now):
    order, _parcel = half_sent
    cancel_overdue(now=order.ship_by)
    record_refund(order_id=order.pk, amount_minor=2500, now=now)
    for kind, react in (
        ("LinesCancelled", reactions.tell_lines_cancelled),
        ("OrderRefunded", reactions.tell_refunded),
    ):
        event = Event.objects.get(kind=kind)
        react(read(event), event_id=event.pk, now=now)
    will_not_come, went_back = mail.outbox
    assert "1 × Scarf" in will_not_come.body
    assert "Mug" not in will_not_come.body
    assert "€25.00 goes back" in will_not_come.body
    assert "so far €25.00 went back" in went_back.body
