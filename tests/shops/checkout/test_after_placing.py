"""What becomes of an unpaid order: another card, cancelled, or expired."""

from datetime import timedelta

import pytest

from shops.checkout import services
from shops.facts.models import Event
from shops.facts.refused import NotFound
from shops.orders.services import NotUnpaid, mark_paid
from shops.payments.models import Payment, PaymentState
from shops.payments.services import PaymentUnderWay
from shops.stock.models import Stock
from tests.factories.checkout import purchase_of

pytestmark = pytest.mark.django_db


def _declined(purchase):
    purchase.payments.update(state=PaymentState.FAILED)


def _retry(purchase, user, now):
    return services.retry_payment(
        number=purchase.orders.get().number, buyer_id=user.pk, card_token="tok_success", now=now
    )


def _cancel(purchase, user, now):
    services.cancel_order(number=purchase.orders.get().number, buyer_id=user.pk, now=now)


def test_after_a_declined_card_another_one_may_pay(alice, mug, now):
    purchase = purchase_of(alice, mug, now=now)
    _declined(purchase)
    payment = _retry(purchase, alice, now)
    assert (payment.state, payment.amount_minor) == ("created", 1990)
    assert purchase.payments.count() == 2


def test_there_is_no_second_charge_while_the_first_is_not_known_to_have_failed(alice, mug, now):
    purchase = purchase_of(alice, mug, now=now)
    for state in ("created", "unknown", "authorized"):
        Payment.objects.update(state=state)
        with pytest.raises(PaymentUnderWay):
            _retry(purchase, alice, now)
        with pytest.raises(PaymentUnderWay):
            _cancel(purchase, alice, now)


def test_a_late_card_a_paid_order_and_a_stranger_are_refused(alice, bob, mug, now):
    purchase = purchase_of(alice, mug, now=now)
    _declined(purchase)
    with pytest.raises(services.PayTimeOver):
        _retry(purchase, alice, now + timedelta(minutes=31))
    with pytest.raises(NotFound):
        _retry(purchase, bob, now)
    with pytest.raises(NotFound):
        _cancel(purchase, bob, now)
    mark_paid(purchase_id=purchase.pk, now=now)
    with pytest.raises(NotUnpaid):
        _retry(purchase, alice, now)


def test_cancelling_gives_the_stock_back(alice, mug, now):
    purchase = purchase_of(alice, mug, quantity=3, now=now)
    _declined(purchase)
    _cancel(purchase, alice, now)
    assert purchase.orders.get().state == "cancelled"
    assert Stock.objects.get(pk=mug.pk).reserved == 0
    assert Event.objects.filter(kind="OrderCancelled").count() == 1


def test_the_sweeper_expires_what_was_not_paid_in_time_and_leaves_what_may_be_paid(alice, mug, now):
    waiting, declined = (purchase_of(alice, mug, quantity=2, now=now) for _ in range(2))
    _declined(declined)
    later = now + timedelta(minutes=31)
    assert services.expire_due_purchases(now=now) == 0
    assert services.expire_due_purchases(now=later) == 1
    assert services.expire_due_purchases(now=later) == 0
    assert (waiting.orders.get().state, declined.orders.get().state) == ("unpaid", "expired")
    assert Stock.objects.get(pk=mug.pk).reserved == 2


@pytest.mark.parametrize("state", ["created", "requires_action", "authorized", "unknown"])
def test_no_open_payment_is_swept_away(alice, mug, now, state):
    purchase_of(alice, mug, now=now)
    Payment.objects.update(state=state)
    assert services.expire_due_purchases(now=now + timedelta(days=1)) == 0
