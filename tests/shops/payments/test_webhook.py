"""The webhook's door: only the provider's own, fresh words come in, and each of them once."""

import base64
from datetime import UTC, datetime, timedelta

import pytest

from shops.payments.models import Payment, PaymentEvent, ProviderMessage, RefundState
from shops.payments.sandbox.keys import TRIAL_SECRET
from tests.factories.payments import make_payment, message, signed

pytestmark = pytest.mark.django_db
URL = "/payments/webhooks/sandbox/"
OTHER_SECRET = "whsec_" + base64.b64encode(b"somebody else's secret!!").decode()


@pytest.fixture
def payment(alice, now):
    return make_payment(alice, now=now)


@pytest.fixture
def deliver(client):
    def send(body, headers=None):
        return client.post(
            URL,
            data=body,
            content_type="application/json",
            headers=signed(body, secret=TRIAL_SECRET) if headers is None else headers,
        )

    return send


def nothing_was_written(payment):
    payment.refresh_from_db()
    return payment.state == "created" and not ProviderMessage.objects.exists()


def test_a_signed_message_captures_the_payment(payment, deliver):
    assert deliver(message(payment, "succeeded")).status_code == 204
    payment.refresh_from_db()
    assert payment.state == "captured"
    assert payment.provider_ref == "ch_1"
    assert all(order.is_paid for order in payment.purchase.orders.all())


def test_it_needs_no_csrf_token_as_the_signature_stands_for_it(payment):
    from django.test import Client

    body = message(payment, "succeeded")
    answer = Client(enforce_csrf_checks=True).post(
        URL, body, content_type="application/json", headers=signed(body, secret=TRIAL_SECRET)
    )
    assert answer.status_code == 204


def test_the_second_delivery_changes_nothing(payment, deliver):
    body = message(payment, "succeeded")
    headers = signed(body, secret=TRIAL_SECRET)
    assert [deliver(body, headers).status_code for _ in range(3)] == [204, 204, 204]
    assert ProviderMessage.objects.count() == 1
    assert PaymentEvent.objects.filter(to_state="captured").count() == 1


def test_another_secrets_signature_is_refused(payment, deliver):
    body = message(payment, "succeeded")
    assert deliver(body, signed(body, secret=OTHER_SECRET)).status_code == 400
    assert nothing_was_written(payment)


def test_another_body_than_the_signed_one_is_refused(payment, deliver):
    headers = signed(message(payment, "failed"), secret=TRIAL_SECRET)
    assert deliver(message(payment, "succeeded"), headers).status_code == 400
    assert nothing_was_written(payment)


def test_another_message_id_than_the_signed_one_is_refused(payment, deliver):
    body = message(payment, "succeeded")
    headers = signed(body, secret=TRIAL_SECRET) | {"webhook-id": "msg_other"}
    assert deliver(body, headers).status_code == 400
    assert nothing_was_written(payment)


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_message_from_another_time_is_refused(payment, deliver, minutes):
    body = message(payment, "succeeded")
    at = datetime.now(UTC) + timedelta(minutes=minutes)
    assert deliver(body, signed(body, secret=TRIAL_SECRET, at=at)).status_code == 400
    assert nothing_was_written(payment)


@pytest.mark.parametrize("minutes", [-4, 4])
def test_clocks_may_differ_by_a_few_minutes(payment, deliver, minutes):
    body = message(payment, "succeeded")
    at = datetime.now(UTC) + timedelta(minutes=minutes)
    assert deliver(body, signed(body, secret=TRIAL_SECRET, at=at)).status_code == 204


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_header_is_refused(payment, deliver, name):
    body = message(payment, "succeeded")
    headers = signed(body, secret=TRIAL_SECRET)
    del headers[name]
    assert deliver(body, headers).status_code == 400
    assert nothing_was_written(payment)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("webhook-signature", "nonsense"),
        ("webhook-signature", "v1,%%%"),
        ("webhook-signature", "v2,AAAA"),
        ("webhook-timestamp", "yesterday"),
        ("webhook-timestamp", "nan"),
        ("webhook-timestamp", "1e400"),
    ],
)
def test_a_garbled_header_is_refused(payment, deliver, name, value):
    body = message(payment, "succeeded")
    headers = signed(body, secret=TRIAL_SECRET) | {name: value}
    assert deliver(body, headers).status_code == 400
    assert nothing_was_written(payment)


def test_a_body_that_is_no_text_is_refused(payment, client):
    headers = signed(message(payment, "succeeded"), secret=TRIAL_SECRET)
    answer = client.post(URL, b"\xff\xfe", content_type="application/json", headers=headers)
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"type": "charge.succeeded", "data": {"key": "x"}}']
)
def test_a_signed_body_that_is_no_message_is_refused(payment, deliver, body):
    assert deliver(body).status_code == 400
    assert nothing_was_written(payment)


def test_a_message_that_is_too_large_is_refused(payment, deliver):
    assert deliver(b'{"type": "' + b"x" * 70_000 + b'"}').status_code == 413
    assert nothing_was_written(payment)


def test_unknown_kinds_of_message_are_passed_over(payment, deliver):
    assert deliver(b'{"type": "customer.born", "data": {}}').status_code == 204
    assert nothing_was_written(payment)


@pytest.mark.parametrize("key", ["00000000-0000-0000-0000-000000000000", "not-a-uuid"])
def test_a_payment_that_is_not_ours_does_not_exist(payment, deliver, key):
    assert deliver(message(payment, "succeeded", key=key)).status_code == 404
    assert nothing_was_written(payment)


@pytest.mark.parametrize("other", [{"amount_minor": 1}, {"currency": "USD"}])
def test_another_amount_than_what_was_asked_for_is_never_taken_as_paid(payment, deliver, other):
    assert deliver(message(payment, "succeeded", **other)).status_code == 422
    assert nothing_was_written(payment)


def test_it_only_takes_posts(client):
    assert client.get(URL).status_code == 405


def test_a_declined_card_leaves_the_orders_unpaid(payment, deliver):
    assert deliver(message(payment, "failed")).status_code == 204
    payment.refresh_from_db()
    assert (payment.state, payment.failure_code) == ("failed", "card_declined")
    assert all(order.is_unpaid for order in payment.purchase.orders.all())
    assert Payment.objects.count() == 1
    assert not payment.refunds.filter(state=RefundState.CREATED).exists()


def test_without_a_secret_there_is_no_door(payment, deliver, settings):
    settings.PAYMENTS_SANDBOX_SECRET = ""
    assert deliver(message(payment, "succeeded")).status_code == 404
    assert nothing_was_written(payment)
