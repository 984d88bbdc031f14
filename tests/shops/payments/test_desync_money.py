"""End to end: a payment is captured in our books by the answer about another one."""

import time

import pytest

from shops.payments import services
from shops.payments.models import Payment, PaymentState
from tests.factories.payments import make_payment
from tests.shops.payments.sayings import answer

pytestmark = pytest.mark.django_db(transaction=True)


def _charge(payment, state):
    return b'{"key":"%s","ref":"ch_%s","state":"%s","amount_minor":%d,"currency":"%s"}' % (
        str(payment.pk).encode(),
        payment.pk.hex[:6].encode(),
        state,
        payment.amount_minor,
        payment.currency.encode(),
    )


def test_nobody_has_paid_by_the_answer_about_somebody_else(alice, erin, now, settings, serve):
    one, other = make_payment(alice, now=now), make_payment(erin, now=now)
    assert one.amount_minor == other.amount_minor
    settings.PAYMENTS_SANDBOX_SECRET = "whsec_" + "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"
    said = answer(_charge(one, b"succeeded"))
    settings.PAYMENTS_SANDBOX_URL = serve(
        [[[said, 0.1, said], []], [[answer(_charge(other, b"failed"))]]]
    )
    assert services.start(payment_id=one.pk, now=now).state == PaymentState.CAPTURED
    time.sleep(0.3)
    services.start(payment_id=other.pk, now=now)
    assert Payment.objects.get(pk=other.pk).state != PaymentState.CAPTURED


def test_a_charge_that_was_made_has_not_failed_by_what_follows_itsanswer(
    alice, now, settings, serve
):
    one = make_payment(alice, now=now)
    settings.PAYMENTS_SANDBOX_SECRET = "whsec_" + "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"
    said = answer(_charge(one, b"succeeded")) + answer(b"", b"400 Bad Request")
    settings.PAYMENTS_SANDBOX_URL = serve([[[said]]])
    assert services.start(payment_id=one.pk, now=now).state == PaymentState.CAPTURED
