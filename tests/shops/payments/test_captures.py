"""Authorise first, take later: all of it, a part, or nothing."""

import pytest

from shops.facts.refused import NotAllowed
from shops.orders.models import Order
from shops.payments import checks, queries, services
from shops.payments.models import Payment
from tests.factories.payments import make_payment, report
from tests.shops.payments.test_services import clearing, escrow, keep_the_books, later

pytestmark = pytest.mark.django_db


@pytest.fixture
def payment(charging, alice, now, settings):
    settings.PAYMENT_CAPTURE = "manual"
    made = make_payment(alice, now=now, prices=(1990, 500))
    return services.start(payment_id=made.pk, now=now)


def two(payment):
    return payment.purchase.orders.order_by("-total_minor")


def test_an_authorised_payment_has_taken_nothing(payment, now):
    assert (payment.state, payment.captured_minor) == ("authorized", 0)
    assert not any(order.is_paid for order in payment.purchase.orders.all())
    with pytest.raises(services.PaymentUnderWay):
        services.create_payment(purchase=payment.purchase, card_token="tok_success", now=now)


def test_all_of_it_is_captured(payment, olga, now):
    after = services.capture(payment_id=payment.pk, by=olga, now=now)
    keep_the_books(now)
    assert (after.state, after.captured_minor) == ("captured", 2490)
    assert all(order.is_paid for order in payment.purchase.orders.all())
    assert clearing() == 2490


def test_a_part_is_captured_and_the_rest_was_never_taken(payment, olga, now):
    dear, cheap = two(payment)
    after = services.capture(
        payment_id=payment.pk, by=olga, parts={dear.pk: 1500, cheap.pk: 0}, now=now
    )
    keep_the_books(now)
    dear, cheap = two(payment)
    assert (after.state, after.captured_minor) == ("captured", 1500)
    assert (dear.state, dear.refunded_minor) == ("awaiting_shipment", 490)
    assert (cheap.state, cheap.is_refunded) == ("cancelled", True)
    assert (escrow(dear), escrow(cheap), clearing()) == (-1500, 0, 1500)
    assert (queries.refundable_minor(dear), queries.refundable_minor(cheap)) == (1500, 0)

    with pytest.raises(services.NotRefundable):
        services.refund_order(order_id=cheap.pk, reason="", by=olga, now=now)
    refund = services.refund_order(order_id=dear.pk, reason="", by=olga, now=now)
    keep_the_books(now)
    dear.refresh_from_db()
    assert (refund.amount_minor, dear.is_refunded, clearing()) == (1500, True, 0)


def test_what_was_captured_by_hand_at_the_provider_is_split_in_proportion(payment, now):
    taken = report(payment, "succeeded", captured_minor=1000)
    services.apply(payment_id=payment.pk, report=taken, now=now)
    shares = [minor for _, minor in queries.shares(Payment.objects.get())]
    assert sorted(shares) == [201, 799]


def test_what_was_never_taken_looks_right_to_the_doctor(payment, now):
    taken = report(payment, "succeeded", captured_minor=1000)
    services.apply(payment_id=payment.pk, report=taken, now=now)
    assert list(checks.refunded(now)) == []
    Order.objects.filter(refunded_minor=299).update(refunded_minor=298)
    [said] = checks.refunded(now)
    assert "201 was captured" in said


@pytest.mark.parametrize("captured", [0, 2491])
def test_nothing_or_more_than_was_authorised_is_no_capture(payment, now, captured):
    wrong = report(payment, "succeeded", captured_minor=captured)
    with pytest.raises(services.AmountDiffers):
        services.apply(payment_id=payment.pk, report=wrong, now=now)


def test_an_automatic_payment_is_captured_whole_or_not(alice, now):
    payment = make_payment(alice, now=now)
    wrong = report(payment, "succeeded", captured_minor=1)
    with pytest.raises(services.AmountDiffers):
        services.apply(payment_id=payment.pk, report=wrong, now=now)


@pytest.mark.parametrize("parts", [(1991, 0), (-1, 500), (0, 0), None])
def test_shares_are_within_each_orders_total_and_not_all_nothing(payment, olga, now, parts):
    dear, cheap = two(payment)
    wanted = {0: 1} if parts is None else {dear.pk: parts[0], cheap.pk: parts[1]}
    with pytest.raises(services.BadShare):
        services.capture(payment_id=payment.pk, by=olga, parts=wanted, now=now)
    payment.refresh_from_db()
    assert (payment.capture_asked_minor, payment.shares.count()) == (None, 0)


def test_who_may_capture(payment, alice, bob, carol, olga, now):
    order = payment.purchase.orders.first()
    order.shop.staff.create(user=carol)
    for somebody in (alice, bob, carol):  # carol's shop is one of two
        with pytest.raises(NotAllowed):
            services.capture(payment_id=payment.pk, by=somebody, now=now)
    services.capture(payment_id=payment.pk, by=olga, now=now)
    with pytest.raises(services.NotCapturable):
        services.capture(payment_id=payment.pk, by=olga, now=now)


def test_a_shop_captures_what_is_all_its_own(charging, alice, carol, now, settings):
    settings.PAYMENT_CAPTURE = "manual"
    payment = make_payment(alice, now=now, prices=(700,))
    services.start(payment_id=payment.pk, now=now)
    payment.purchase.orders.get().shop.staff.create(user=carol)
    assert services.capture(payment_id=payment.pk, by=carol, now=now).state == "captured"


def test_a_capture_without_an_answer_is_asked_for_again(payment, charging, olga, now, settings):
    dear, cheap = two(payment)
    settings.PAYMENTS_SANDBOX_URL = "http://127.0.0.1:9"
    parts = {dear.pk: 1000, cheap.pk: 500}
    after = services.capture(payment_id=payment.pk, by=olga, parts=parts, now=now)
    assert (after.state, after.capture_asked_minor) == ("authorized", 1500)
    assert services.settle_unknown(now=later(now)) == 0

    settings.PAYMENTS_SANDBOX_URL = charging.url
    assert services.settle_unknown(now=later(now)) == 1
    assert Payment.objects.get().captured_minor == 1500


def test_a_capture_that_the_provider_refuses_may_be_tried_again(payment, charging, olga, now):
    charging.ask("POST", f"/v1/charges/{payment.pk}/cancel")
    with pytest.raises(services.CaptureRefused):
        services.capture(payment_id=payment.pk, by=olga, now=now)
    payment.refresh_from_db()
    assert (payment.state, payment.capture_asked_minor) == ("authorized", None)


def test_it_is_let_go_and_another_card_may_pay(payment, olga, now):
    after = services.void(payment_id=payment.pk, by=olga, now=now)
    assert after.state == "cancelled"
    services.create_payment(purchase=payment.purchase, card_token="tok_success", now=now)


@pytest.mark.parametrize("ending", ["expired authorisation", "cancelled order"])
def test_what_nobody_will_take_is_let_go_by_itself(payment, charging, now, ending):
    from shops.orders import services as orders
    from shops.payments.reconciling import AUTHORIZATION_LASTS

    assert services.settle_unknown(now=later(now)) == 0
    if ending == "cancelled order":
        orders.cancel(order_id=payment.purchase.orders.first().pk, reason="", now=now)
        at = later(now)
    else:
        at = now + AUTHORIZATION_LASTS
    assert services.settle_unknown(now=at) == 1
    assert charging.ask("GET", f"/v1/charges/{payment.pk}").json()["state"] == "cancelled"
    assert Payment.objects.get().state == "cancelled"
