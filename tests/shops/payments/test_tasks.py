"""The jobs of the room, carried out by a real worker."""

import pytest
from procrastinate.contrib.django import app

from shops.payments import services
from shops.payments.models import Payment
from shops.payments.tasks import give_back, settle
from tests.factories.payments import make_payment

pytestmark = pytest.mark.django_db(transaction=True)


def work(*queues):
    with app.replace_connector(app.connector.get_worker_connector()) as worker_app:
        worker_app.run_worker(queues=list(queues), wait=False, listen_notify=False)


def test_the_reconciler_is_asked_for_each_minute_and_settles(charging, alice, now):
    assert ("payments.settle", "") in app.periodic_registry.periodic_tasks
    payment = make_payment(alice, now=now - services.SETTLE_AFTER * 2)
    settle.defer(timestamp=0)
    work("payments")
    assert Payment.objects.get(pk=payment.pk).state == "captured"


def test_a_late_payment_is_given_back_by_the_worker(charging, alice, now):
    payment = make_payment(alice, now=now, prices=(700,))
    services.start(payment_id=payment.pk, now=now)
    order = payment.purchase.orders.get()
    refund = payment.refunds.create(order=order, amount_minor=700, created_at=now)
    give_back.defer(refund_id=str(refund.pk))
    work("payments")
    refund.refresh_from_db()
    order.refresh_from_db()
    assert refund.state == "succeeded"
    assert order.is_refunded
