"""The provider dies, is late, or its answer is lost: nobody pays twice, nothing is forgotten."""

import threading
import time
from datetime import UTC, datetime

import pytest
from django.db import connection

from shops.payments import services
from shops.payments.models import Payment, PaymentEvent
from shops.payments.providers.connections import Connections
from tests.factories.payments import make_payment
from tests.provider import Provider

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def provider(tmp_path, settings):
    running = Provider(tmp_path)
    settings.PAYMENTS_SANDBOX_URL = running.url
    settings.PAYMENTS_TIMEOUT_SECONDS = 0.7
    try:
        yield running.start()
    finally:
        running.kill()


def later(now):
    return now + services.SETTLE_AFTER * 2


def wait_until(is_true, *, patience=15):
    deadline = time.monotonic() + patience
    while not is_true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def test_killed_between_charge_and_answer(provider, alice, now, settings):
    settings.PAYMENTS_TIMEOUT_SECONDS = 10
    payment = make_payment(alice, now=now, card_token="tok_timeout")

    def kill_once_charged():
        wait_until(lambda: provider.ask("GET", f"/v1/charges/{payment.pk}").is_success)
        provider.kill()

    killer = threading.Thread(target=kill_once_charged)
    killer.start()
    assert services.start(payment_id=payment.pk, now=now).state == "unknown"
    killer.join()

    assert services.settle_unknown(now=later(now)) == 0
    assert Payment.objects.get(pk=payment.pk).state == "unknown"

    provider.start()
    assert services.settle_unknown(now=later(now)) == 1
    payment.refresh_from_db()
    assert payment.state == "captured"
    assert all(order.is_paid for order in payment.purchase.orders.all())
    assert PaymentEvent.objects.filter(payment=payment, to_state="captured").count() == 1


def test_no_answer_in_time_is_unknown_and_charged_once(provider, alice, now):
    payment = make_payment(alice, now=now, card_token="tok_timeout")
    begun = time.monotonic()
    assert services.start(payment_id=payment.pk, now=now).state == "unknown"
    assert time.monotonic() - begun < 2.5
    with pytest.raises(services.PaymentUnderWay):
        services.create_payment(purchase=payment.purchase, card_token="tok_success", now=now)

    ref = provider.ask("GET", f"/v1/charges/{payment.pk}").json()["ref"]
    assert services.settle_unknown(now=later(now)) == 1
    payment.refresh_from_db()
    assert (payment.state, payment.provider_ref) == ("captured", ref)


def test_a_dead_provider_leaves_the_payment_open_for_later(provider, alice, now):
    provider.kill()
    payment = make_payment(alice, now=now)
    assert services.start(payment_id=payment.pk, now=now).state == "unknown"
    assert not any(order.is_paid for order in payment.purchase.orders.all())
    provider.start()
    assert services.settle_unknown(now=later(now)) == 1
    payment.refresh_from_db()
    assert payment.state == "captured"


def test_the_process_dies_before_it_asks_the_provider(provider, alice, now):
    payment = make_payment(alice, now=now)
    assert services.settle_unknown(now=later(now)) == 1
    payment.refresh_from_db()
    assert payment.state == "captured"


@pytest.mark.parametrize("card", ["tok_delay", "tok_timeout"])
def test_the_webhook_brings_what_the_answer_did_not(tmp_path, settings, live_server, alice, card):
    provider = Provider(
        tmp_path, webhook_url=f"{live_server.url}/payments/webhooks/sandbox/", stall=1.5
    )
    settings.PAYMENTS_SANDBOX_URL = provider.url
    settings.PAYMENTS_TIMEOUT_SECONDS = 0.7
    now = datetime.now(UTC)
    payment = make_payment(alice, now=now, card_token=card)
    try:
        provider.start()
        assert services.start(payment_id=payment.pk, now=now).state == "unknown"
        wait_until(lambda: Payment.objects.get(pk=payment.pk).state == "captured")
    finally:
        provider.kill()
    assert all(order.is_paid for order in payment.purchase.orders.all())


def test_webhooks_that_a_kill_interrupted_are_sent_after_the_restart(
    tmp_path, settings, live_server, alice, now
):
    provider = Provider(tmp_path, stall=60)
    settings.PAYMENTS_SANDBOX_URL = provider.url
    settings.PAYMENTS_TIMEOUT_SECONDS = 0.7
    payment = make_payment(alice, now=now, card_token="tok_delay")
    try:
        provider.start()
        services.start(payment_id=payment.pk, now=now)
        provider.kill()
        provider.webhook_url = f"{live_server.url}/payments/webhooks/sandbox/"
        provider.start()
        wait_until(lambda: Payment.objects.get(pk=payment.pk).state == "captured")
    finally:
        provider.kill()


def test_a_slow_provider_keeps_no_connection_to_the_database(provider, alice, now, monkeypatch):
    held = []
    ask = Connections.ask

    def asked(*args, **kwargs):
        held.append(connection.connection is not None)
        return ask(*args, **kwargs)

    monkeypatch.setattr(Connections, "ask", asked)
    payment = make_payment(alice, now=now)
    assert services.start(payment_id=payment.pk, now=now).state == "captured"
    assert held == [False]
