"""Money that comes after its order was closed: the order comes back to life, or the money goes."""

import uuid
from datetime import timedelta

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from shops.ledger import queries as ledger
from shops.ledger.models import Kind
from shops.orders import services as orders
from shops.orders.models import OrderLine
from shops.payments import services
from shops.payments.models import Payment, PaymentState
from shops.payments.tasks import give_back
from shops.stock import services as stock
from shops.stock.models import Hold, Stock
from shops.stock.services import Wanted
from tests.factories.payments import make_payment, report
from tests.shops.payments.test_services import escrow, keep_the_books

pytestmark = pytest.mark.django_db


def expired(alice, now, **purchase):
    payment = make_payment(alice, now=now, **purchase)
    later = payment.purchase.pay_by + timedelta(minutes=1)
    assert orders.expire(purchase_id=payment.purchase_id, now=later)
    return payment, later


def pay(payment, now):
    services.apply(payment_id=payment.pk, report=report(payment, "succeeded"), now=now)


def carry_out_jobs():
    for job in ProcrastinateJob.objects.filter(task_name="payments.give_back"):
        give_back(**job.args)


def test_an_expired_order_whose_units_are_still_there_is_paid(alice, now):
    payment, later = expired(alice, now)
    pay(payment, later)
    assert not payment.refunds.exists()
    for order in payment.purchase.orders.all():
        assert (order.state, order.is_paid) == ("awaiting_shipment", True)
        [line] = order.lines.all()
        assert Hold.objects.get(pk=line.hold_id).state == "committed"
        assert Stock.objects.get(sku=line.sku).reserved == 1
        states = list(order.events.order_by("pk").values_list("to_state", flat=True))
        assert states == ["unpaid", "expired", "unpaid", "awaiting_shipment"]


def test_the_same_news_again_takes_no_more_units(alice, now):
    payment, later = expired(alice, now, prices=(700,))
    for _ in range(3):
        pay(payment, later)
    line = OrderLine.objects.get(order__purchase=payment.purchase)
    assert Stock.objects.get(sku=line.sku).reserved == 1


def test_when_one_of_its_units_went_to_somebody_else_all_of_it_goes_back(charging, alice, now):
    payment, later = expired(alice, now, on_hand=1)
    gone, left = OrderLine.objects.filter(order__purchase=payment.purchase).order_by("pk")
    wanted = Wanted(hold_id=uuid.uuid4(), sku_id=gone.sku_id, quantity=1)
    stock.hold(wanted=[wanted], now=later, ttl=timedelta(minutes=5))

    charging.ask(
        "POST",
        "/v1/charges",
        key=str(payment.pk),
        json={"amount_minor": payment.amount_minor, "currency": "EUR", "card_token": "tok_success"},
    )
    assert services.settle_unknown(now=later) == 1
    payment.refresh_from_db()
    assert payment.state == PaymentState.CAPTURED
    assert set(payment.refunds.values_list("state", flat=True)) == {"created"}
    assert Stock.objects.get(sku=left.sku_id).reserved == 0

    carry_out_jobs()
    keep_the_books(later)

    assert set(payment.refunds.values_list("state", flat=True)) == {"succeeded"}
    assert ledger.balance_of(kind=Kind.PSP_CLEARING, currency="EUR") == 0
    for order in payment.purchase.orders.all():
        assert (order.state, order.is_paid, escrow(order)) == ("expired", False, 0)
        said = " ".join(order.events.values_list("reason", flat=True))
        assert "Paid after the order was closed" in said
        assert "was given back" in said


def test_a_cancelled_order_stays_cancelled(alice, now):
    payment = make_payment(alice, now=now)
    orders.cancel(order_id=payment.purchase.orders.first().pk, reason="", now=now)
    pay(payment, now)
    assert set(payment.refunds.values_list("state", flat=True)) == {"created"}
    states = set(payment.purchase.orders.values_list("state", "paid_at"))
    assert states == {("cancelled", None)}


def test_an_order_waits_longer_once_when_the_provider_does_not_answer(alice, now, settings):
    settings.PAYMENTS_SANDBOX_URL = "http://127.0.0.1:9"
    first = make_payment(alice, now=now, pay_within=timedelta(minutes=1))
    services.start(payment_id=first.pk, now=now)
    longer = Payment.objects.get(pk=first.pk).purchase.pay_by
    assert longer == now + timedelta(minutes=10)

    services.apply(payment_id=first.pk, report=report(first, "failed"), now=now)
    later = now + timedelta(minutes=9)
    again = services.create_payment(purchase=first.purchase, card_token="tok_success", now=later)
    assert services.start(payment_id=again.pk, now=later).state == "unknown"
    assert Payment.objects.get(pk=again.pk).purchase.pay_by == longer


def test_control_without_an_answer_nobody_who_has_time_gets_less(alice, now, settings):
    settings.PAYMENTS_SANDBOX_URL = "http://127.0.0.1:9"
    payment = make_payment(alice, now=now, pay_within=timedelta(hours=1))
    services.start(payment_id=payment.pk, now=now)
    assert Payment.objects.get().purchase.pay_by == now + timedelta(hours=1)
