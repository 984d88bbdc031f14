"""For a while after paying the buyer cancels freely, and the shop does not know the address."""

import threading
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection

from shops.facts.models import Event
from shops.facts.publishing import read
from shops.facts.refused import NotFound, Refused
from shops.orders import reactions, services
from shops.orders.models import Order, OrderEvent, OrderState
from shops.orders.services import NotCancellable, cancel_in_remorse, mark_paid, release_due
from shops.stock.models import Stock

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("remorse")]


def _fact(kind, order):
    event = Event.objects.get(kind=kind, payload__order_id=order.pk)
    return {"fact": read(event), "event_id": event.pk}


def test_a_paid_order_waits_for_its_buyer_then_goes_to_the_shop(paid, now, settings):
    assert (paid.state, paid.hold_until) == ("on_hold", now + timedelta(hours=1))
    assert release_due(now=now + timedelta(minutes=59)) == 0
    over = now + timedelta(minutes=61)
    assert release_due(now=over) == 2  # the other shop's, too
    assert release_due(now=over) == 0
    paid.refresh_from_db()
    assert (paid.state, paid.released_at) == ("awaiting_shipment", over)
    assert paid.ship_by == over + timedelta(days=settings.SHIP_WITHIN_DAYS)
    assert Event.objects.filter(kind="OrderReleased").count() == 2


def test_the_buyer_cancels_freely_and_only_that_order(paid, alice, mug, lamp, now):
    cancel_in_remorse(number=paid.number, buyer=alice, now=now)
    paid.refresh_from_db()
    assert paid.state == "cancelled"
    assert paid.events.get(to_state="cancelled").by == alice
    assert (Stock.objects.get(pk=mug.pk).reserved, Stock.objects.get(pk=lamp.pk).reserved) == (0, 2)
    fact = _fact("OrderCancelled", paid)["fact"]
    assert (fact.was_paid, fact.reason) == (True, "Cancelled by the buyer")
    with pytest.raises(NotCancellable):
        cancel_in_remorse(number=paid.number, buyer=alice, now=now)


def test_nobody_else_cancels_it(paid, bob, now):
    with pytest.raises(NotFound):
        cancel_in_remorse(number=paid.number, buyer=bob, now=now)


def test_once_the_shop_has_it_the_buyer_does_not_cancel(paid, alice, now):
    release_due(now=now + timedelta(hours=2))
    with pytest.raises(NotCancellable):
        cancel_in_remorse(number=paid.number, buyer=alice, now=now)
    paid.refresh_from_db()
    assert paid.state == "awaiting_shipment"


def test_without_a_hold_the_shop_has_it_at_once(purchase, order, now, settings):
    settings.REMORSE_SECONDS = 0
    mark_paid(purchase_id=purchase.pk, now=now)
    order.refresh_from_db()
    assert (order.state, order.released_at) == ("awaiting_shipment", now)


def test_the_shop_sees_no_address_anywhere_until_it_has_the_order(client, carol, shop, paid, now):
    client.force_login(carol)
    places = (
        f"/seller/{shop.slug}/orders/",
        f"/seller/{shop.slug}/orders/?q=Rossi",
        f"/seller/{shop.slug}/orders/{paid.number}/",
        f"/seller/{shop.slug}/orders.csv",
        f"/seller/{shop.slug}/parcels/",
    )
    for place in places:
        page = client.get(place)
        assert page.status_code == 200
        assert "Via Roma" not in page.text
        assert "Alice Rossi" not in page.text
    assert client.get(f"/seller/{shop.slug}/orders/?q=Rossi").text.count(paid.number) == 0
    assert client.get(f"/seller/{shop.slug}/parcels/slips.pdf?box={paid.pk}").status_code == 400
    release_due(now=now + timedelta(hours=2))
    assert "Via Roma" in client.get(f"/seller/{shop.slug}/orders/{paid.number}/").text
    assert "Via Roma" in client.get(f"/seller/{shop.slug}/orders.csv").text
    assert paid.number in client.get(f"/seller/{shop.slug}/orders/?q=Rossi").text
    assert "Via Roma" in client.get(f"/seller/{shop.slug}/parcels/").text


def test_an_order_cancelled_in_time_never_tells_the_address(client, carol, alice, shop, paid, now):
    cancel_in_remorse(number=paid.number, buyer=alice, now=now)
    client.force_login(carol)
    assert "Via Roma" not in client.get(f"/seller/{shop.slug}/orders/{paid.number}/").text


def test_the_shop_is_written_to_when_it_has_the_order(paid, carol, now, settings):
    settings.SITE_URL = "https://shop.example"
    release_due(now=now + timedelta(hours=2))
    reactions.tell_shop(**_fact("OrderReleased", paid), now=now)
    (letter,) = mail.outbox
    assert letter.to == [carol.email]
    assert "2 × Mug (red)" in letter.body
    link = f"https://shop.example/seller/{paid.shop.slug}/orders/{paid.number}/"
    assert link in letter.body


def test_the_buyer_is_told_until_when(paid, now):
    reactions.send_receipt(**_fact("OrderPaid", paid), now=now)
    assert "Changed your mind? Until" in mail.outbox[0].body


def test_a_cancelled_order_is_told_to_the_buyer_but_not_to_a_shop_that_never_had_it(
    paid, alice, now
):
    cancel_in_remorse(number=paid.number, buyer=alice, now=now)
    reactions.tell_cancelled(**_fact("OrderCancelled", paid), now=now)
    (letter,) = mail.outbox
    assert letter.to == [alice.email]
    assert "€39.80 goes back" in letter.body


def _race(*works):
    barrier = threading.Barrier(len(works))

    def run(work):
        barrier.wait()
        try:
            work()
        except Refused:
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round_number", range(3))
def test_cancelling_and_releasing_at_once_end_in_one_of_them(paid, alice, mug, now, round_number):
    over = now + timedelta(hours=2)
    _race(
        lambda: cancel_in_remorse(number=paid.number, buyer=alice, now=over),
        lambda: release_due(now=over),
        lambda: release_due(now=over),
    )
    release_due(now=over)  # what a sweeper left to the one that was cancelling
    paid.refresh_from_db()
    reserved = Stock.objects.get(pk=mug.pk).reserved
    assert (paid.state, reserved) in [("cancelled", 0), ("awaiting_shipment", 2)]
    after_paying = OrderEvent.objects.filter(order=paid, from_state="on_hold")
    assert [event.to_state for event in after_paying] == [paid.state]


def test_without_the_comparison_both_would_happen(paid, alice, mug, now, monkeypatch):
    """The control: two who both read "on hold" and write blindly leave a sent, freed order."""

    def blindly(order, to, *, reason="", by=None, now, **fields):
        Order.objects.filter(pk=order.pk).update(state=to, **fields)
        OrderEvent.objects.create(order=order, from_state=order.state, to_state=to, at=now)

    seen_by_sweeper = Order.objects.get(pk=paid.pk)
    cancel_in_remorse(number=paid.number, buyer=alice, now=now)
    with pytest.raises(services.PurchaseClosed):
        services.moves.move(seen_by_sweeper, OrderState.AWAITING_SHIPMENT, now=now)
    blindly(seen_by_sweeper, OrderState.AWAITING_SHIPMENT, now=now)
    paid.refresh_from_db()
    assert (paid.state, Stock.objects.get(pk=mug.pk).reserved) == ("awaiting_shipment", 0)
