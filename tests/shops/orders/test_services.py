"""Orders move once, along their table; each move is written down, told, and gives stock back."""

import re
import threading
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from shops.facts.models import Event
from shops.facts.refused import NotFound, Refused
from shops.orders import services
from shops.orders.models import ORDER_TRANSITIONS, Order, OrderEvent, OrderState
from shops.orders.services import (
    NotUnpaid,
    PurchaseClosed,
    RefundTooLarge,
    cancel,
    expire,
    mark_paid,
    new_number,
    note,
    record_refund,
)
from shops.stock.models import Stock

pytestmark = pytest.mark.django_db


def _states(purchase):
    return set(purchase.orders.values_list("state", flat=True))


def _reserved(sku):
    return Stock.objects.get(pk=sku.pk).reserved


def _told(kind):
    return Event.objects.filter(kind=kind).count()


def test_numbers_are_short_readable_and_not_guessed():
    numbers = {new_number() for _ in range(500)}
    assert len(numbers) == 500
    for number in numbers:
        assert re.fullmatch(r"LS-[2-9A-HJKMNP-TV-Z]{4}-[2-9A-HJKMNP-TV-Z]{4}", number)


def test_every_order_of_a_purchase_is_paid_at_once_and_only_once(purchase, now):
    assert mark_paid(purchase_id=purchase.pk, now=now) is True
    assert mark_paid(purchase_id=purchase.pk, now=now) is False
    assert _states(purchase) == {"awaiting_shipment"}
    assert all(order.paid_at == now for order in purchase.orders.all())
    assert _told("OrderPaid") == 2


def test_the_fact_tells_who_earned_it(order, purchase, now):
    mark_paid(purchase_id=purchase.pk, now=now)
    fact = Event.objects.get(kind="OrderPaid", payload__order_id=order.pk).payload
    assert fact["referrals"] == ["signed"]
    assert (fact["total_minor"], fact["currency"], fact["number"]) == (3980, "EUR", order.number)


def test_a_closed_purchase_can_not_be_paid(order, purchase, now):
    cancel(order_id=order.pk, reason="", now=now)
    with pytest.raises(PurchaseClosed):
        mark_paid(purchase_id=purchase.pk, now=now)
    assert _told("OrderPaid") == 0


def test_cancelling_one_cancels_what_is_paid_together_and_frees_the_stock(
    order, purchase, mug, lamp, now
):
    assert (_reserved(mug), _reserved(lamp)) == (2, 2)
    cancel(order_id=order.pk, reason="Changed my mind", now=now)
    assert _states(purchase) == {"cancelled"}
    assert (_reserved(mug), _reserved(lamp)) == (0, 0)
    assert order.events.get(to_state="cancelled").reason == "Changed my mind"
    with pytest.raises(NotUnpaid):
        cancel(order_id=order.pk, reason="", now=now)
    assert _told("OrderCancelled") == 2


def test_a_paid_order_is_not_cancelled_without_a_refund(order, purchase, now):
    mark_paid(purchase_id=purchase.pk, now=now)
    with pytest.raises(NotUnpaid):
        cancel(order_id=order.pk, reason="", now=now)


def test_an_unpaid_purchase_expires_when_its_time_is_over(purchase, mug, now):
    assert expire(purchase_id=purchase.pk, now=now) is False
    later = purchase.pay_by + timedelta(seconds=1)
    assert expire(purchase_id=purchase.pk, now=later) is True
    assert expire(purchase_id=purchase.pk, now=later) is False
    assert _states(purchase) == {"expired"}
    assert _reserved(mug) == 0


def test_a_full_refund_cancels_only_that_order(order, purchase, mug, lamp, now):
    mark_paid(purchase_id=purchase.pk, now=now)
    record_refund(order_id=order.pk, amount_minor=order.total_minor, now=now)
    order.refresh_from_db()
    assert (order.state, order.is_refunded) == ("cancelled", True)
    assert (_reserved(mug), _reserved(lamp)) == (0, 2)
    assert _states(purchase) == {"cancelled", "awaiting_shipment"}
    assert Event.objects.get(kind="OrderRefunded").payload["refunded_minor"] == 3980
    # A message about the payment that comes late changes nothing.
    assert mark_paid(purchase_id=purchase.pk, now=now) is False


def test_a_part_that_is_given_back_leaves_the_order_standing(order, purchase, mug, now):
    mark_paid(purchase_id=purchase.pk, now=now)
    record_refund(order_id=order.pk, amount_minor=1000, now=now)
    order.refresh_from_db()
    assert (order.state, order.refunded_minor, _reserved(mug)) == ("awaiting_shipment", 1000, 2)


@pytest.mark.parametrize("amount", [0, -1, 3981])
def test_an_impossible_refund_is_refused(order, purchase, now, amount):
    mark_paid(purchase_id=purchase.pk, now=now)
    with pytest.raises(RefundTooLarge):
        record_refund(order_id=order.pk, amount_minor=amount, now=now)


def test_an_unpaid_order_has_nothing_to_give_back(order, now):
    with pytest.raises(RefundTooLarge):
        record_refund(order_id=order.pk, amount_minor=1, now=now)


def test_the_database_keeps_refunds_within_the_total(order):
    with pytest.raises(IntegrityError), transaction.atomic():
        Order.objects.filter(pk=order.pk).update(refunded_minor=order.total_minor + 1)


def test_a_note_is_history_and_changes_no_state(order, now):
    note(order_id=order.pk, text="Called the buyer", now=now)
    event = OrderEvent.objects.get(reason="Called the buyer")
    assert (event.from_state, event.to_state, event.label) == ("unpaid", "unpaid", "")


def test_what_does_not_exist_is_not_found(db, now):
    for act in (
        lambda: cancel(order_id=0, reason="", now=now),
        lambda: note(order_id=0, text="", now=now),
    ):
        with pytest.raises(NotFound):
            act()


def test_every_move_that_the_table_does_not_name_is_refused(order, now):
    for before in OrderState:
        for to in set(OrderState) - ORDER_TRANSITIONS[before]:
            Order.objects.filter(pk=order.pk).update(state=before)
            order.state = before
            with pytest.raises(PurchaseClosed):
                services.moves.move(order, to, reason="", now=now)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round_number", range(3))
def test_payment_cancellation_and_expiry_at_once_end_in_one_of_them(
    order, purchase, mug, now, round_number
):
    later = purchase.pay_by + timedelta(seconds=1)
    works = [
        lambda: mark_paid(purchase_id=purchase.pk, now=now),
        lambda: cancel(order_id=order.pk, reason="", now=now),
        lambda: expire(purchase_id=purchase.pk, now=later),
    ]
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
    (state,) = _states(purchase)
    assert _reserved(mug) == (2 if state == "awaiting_shipment" else 0)
    assert OrderEvent.objects.filter(order=order).count() == 2
    assert _told("OrderPaid") + _told("OrderCancelled") + _told("OrderExpired") == 2
