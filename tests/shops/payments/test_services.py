"""Paying and refunding: who may, when not, and what the books say afterwards."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from shops.facts import batching
from shops.facts.models import Event
from shops.facts.reacting import carry_out
from shops.facts.refused import NotAllowed
from shops.ledger import queries as ledger
from shops.ledger.models import Kind
from shops.orders import services as orders
from shops.payments import queries, services
from shops.payments.models import Payment, PaymentState, Refund
from shops.payments.providers.sandbox import Sandbox
from shops.payments.refunds import NotRefundable
from tests.factories.payments import make_payment, make_purchase, report

pytestmark = pytest.mark.django_db


def keep_the_books(now):
    reactions = {"PaymentCaptured": "post_capture", "RefundSucceeded": "post_refund"}
    for event in Event.objects.filter(kind__in=reactions).order_by("pk"):
        name = f"shops.payments.reactions.{reactions[event.kind]}"
        carry_out(event_id=event.pk, reaction=name, now=now)


def pay(payment, now):
    return services.apply(payment_id=payment.pk, report=report(payment, "succeeded"), now=now)


def escrow(order):
    return ledger.balance_of(
        kind=Kind.ORDER_ESCROW, owner=f"shop:{order.shop_id}", currency=order.currency
    )


def later(now):
    return now + services.SETTLE_AFTER * 2


def clearing():
    return ledger.balance_of(kind=Kind.PSP_CLEARING, currency="EUR")


@pytest.mark.parametrize("token", ["", "x" * 81, "tok\x00"])
def test_a_card_needs_a_token(alice, now, token):
    purchase = make_purchase(alice, now=now)
    with pytest.raises(services.BadCard):
        services.create_payment(purchase=purchase, card_token=token, now=now)


def test_a_second_attempt_waits_until_the_first_has_failed(alice, now):
    first = make_payment(alice, now=now)
    again = {"purchase": first.purchase, "card_token": "tok_success", "now": now}
    with pytest.raises(services.PaymentUnderWay):
        services.create_payment(**again)
    services.apply(payment_id=first.pk, report=report(first, "failed"), now=now)
    second = services.create_payment(**again)
    assert queries.open_payment_of(first.purchase_id) == second
    pay(second, now)
    assert queries.open_payment_of(first.purchase_id) is None
    with pytest.raises(services.AlreadyPaid):
        services.create_payment(**again)


def test_a_closed_purchase_can_not_be_paid(alice, now):
    purchase = make_purchase(alice, now=now)
    later = purchase.pay_by + timedelta(seconds=1)
    assert orders.expire(purchase_id=purchase.pk, now=later)
    with pytest.raises(orders.PurchaseClosed):
        services.create_payment(purchase=purchase, card_token="tok_success", now=later)


@pytest.mark.parametrize(
    ("card", "state"),
    [
        ("tok_success", PaymentState.CAPTURED),
        ("tok_declined", PaymentState.FAILED),
        ("tok_nobodys", PaymentState.FAILED),
        ("tok_delay", PaymentState.UNKNOWN),
    ],
)
def test_start_applies_what_the_provider_answers(charging, alice, now, card, state):
    payment = make_payment(alice, now=now, card_token=card)
    assert services.start(payment_id=payment.pk, now=now).state == state
    assert queries.state_of(payment.purchase_id) == state
    is_paid = state == PaymentState.CAPTURED
    assert all(order.is_paid is is_paid for order in payment.purchase.orders.all())


def test_starting_twice_asks_once(charging, alice, now, monkeypatch):
    payment = make_payment(alice, now=now)
    services.start(payment_id=payment.pk, now=now)
    monkeypatch.setattr(Sandbox, "charge", lambda *_: pytest.fail("asked again"))
    assert services.start(payment_id=payment.pk, now=now).state == PaymentState.CAPTURED


@pytest.mark.parametrize("why", [batching.Busy, batching.Unavailable])
def test_an_answer_that_can_not_be_written_down_now_is_no_reason_to_pay_again(
    charging, alice, now, monkeypatch, why
):
    payment = make_payment(alice, now=now)

    def refuse(*_args, **_options):
        raise why

    with monkeypatch.context() as crowd:
        crowd.setattr(batching, "together", refuse)
        assert services.start(payment_id=payment.pk, now=now).pk == payment.pk
        assert services.ask_after(payment_id=payment.pk, now=now).state == PaymentState.CREATED

    assert services.ask_after(payment_id=payment.pk, now=now).state == PaymentState.CAPTURED


def test_a_wrong_amount_in_the_answer_is_not_taken_as_paid(alice, now, monkeypatch):
    payment = make_payment(alice, now=now)
    wrong = report(payment, "succeeded", amount_minor=1)
    monkeypatch.setattr(Sandbox, "charge", lambda *_: wrong)
    assert services.start(payment_id=payment.pk, now=now).state == PaymentState.UNKNOWN
    assert not any(order.is_paid for order in payment.purchase.orders.all())


def test_the_price_waits_in_each_shops_escrow_and_a_refund_takes_it_out(charging, alice, olga, now):
    payment = make_payment(alice, now=now, prices=(1990, 500))
    services.start(payment_id=payment.pk, now=now)
    keep_the_books(now)
    dear, cheap = payment.purchase.orders.order_by("-total_minor")
    assert (escrow(dear), escrow(cheap), clearing()) == (-1990, -500, 2490)

    refund = services.refund_order(order_id=dear.pk, reason="Changed my mind", by=olga, now=now)
    keep_the_books(now)
    keep_the_books(now)

    assert (refund.state, refund.requested_by) == ("succeeded", olga)
    assert (escrow(dear), escrow(cheap), clearing()) == (0, -500, 500)
    dear.refresh_from_db()
    assert dear.is_refunded
    assert [journal.source for journal in queries.journals_of_order(dear)] == [
        queries.SOURCE_CAPTURE,
        queries.SOURCE_REFUND,
    ]
    assert len(queries.journals_of_order(cheap)) == 1


def test_an_order_is_refunded_once(charging, alice, olga, now):
    payment = make_payment(alice, now=now, prices=(700,))
    order = payment.purchase.orders.get()
    ask = {"order_id": order.pk, "reason": "", "by": olga, "now": now}
    with pytest.raises(NotRefundable):
        services.refund_order(**ask)
    services.start(payment_id=payment.pk, now=now)
    services.refund_order(**ask)
    with pytest.raises(NotRefundable):
        services.refund_order(**ask)
    assert Refund.objects.count() == 1


def test_only_the_shop_and_operators_refund(charging, alice, bob, carol, now):
    payment = make_payment(alice, now=now, prices=(700,))
    services.start(payment_id=payment.pk, now=now)
    order = payment.purchase.orders.get()
    for somebody in (alice, bob, carol):
        with pytest.raises(NotAllowed):
            services.refund_order(order_id=order.pk, reason="", by=somebody, now=now)
    order.shop.staff.create(user=carol)
    refund = services.refund_order(order_id=order.pk, reason="", by=carol, now=now)
    assert refund.state == "succeeded"


def test_a_refund_without_an_answer_stays_open_and_is_asked_for_again(
    charging, alice, olga, now, settings
):
    payment = make_payment(alice, now=now, prices=(700,))
    services.start(payment_id=payment.pk, now=now)
    order = payment.purchase.orders.get()
    settings.PAYMENTS_SANDBOX_URL = "http://127.0.0.1:9"
    refund = services.refund_order(order_id=order.pk, reason="", by=olga, now=now)
    assert refund.state == "created"

    settings.PAYMENTS_SANDBOX_URL = charging.url
    assert services.settle_unknown(now=now + services.SETTLE_AFTER * 2) == 1
    refund.refresh_from_db()
    assert refund.state == "succeeded"
    assert queries.refund_of(order.pk) == refund


def test_a_provider_that_is_away_keeps_nobody_from_asking_another_one(
    charging, alice, olga, now, settings
):
    payment = make_payment(alice, now=now, prices=(700,))
    services.start(payment_id=payment.pk, now=now)
    order = payment.purchase.orders.get()
    settings.PAYMENTS_SANDBOX_URL = "http://127.0.0.1:9"
    refund = services.refund_order(order_id=order.pk, reason="", by=olga, now=now)
    settings.PAYMENTS_SANDBOX_URL = charging.url
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"
    settings.STRIPE_SECRET_KEY = "sk_test_away"
    for _ in range(3):
        lost = make_payment(alice, now=now)
        Payment.objects.filter(pk=lost.pk).update(provider="stripe", provider_ref="pi_1")

    assert services.settle_unknown(now=now + services.SETTLE_AFTER * 2) == 1
    refund.refresh_from_db()
    assert refund.state == "succeeded"


def test_what_the_provider_never_heard_of_is_asked_again_while_it_is_of_use(charging, alice, now):
    payment = make_payment(alice, now=now)
    assert services.settle_unknown(now=now) == 0
    assert services.settle_unknown(now=now + services.SETTLE_AFTER * 2) == 1
    payment.refresh_from_db()
    assert payment.state == PaymentState.CAPTURED


def test_what_the_provider_never_heard_of_is_blocked_there_when_it_is_too_late(
    charging, alice, now
):
    payment = make_payment(alice, now=now)
    assert services.settle_unknown(now=payment.purchase.pay_by + timedelta(minutes=1)) == 1
    payment.refresh_from_db()
    assert payment.state == PaymentState.CANCELLED
    late = charging.ask(
        "POST",
        "/v1/charges",
        key=str(payment.pk),
        json={"amount_minor": payment.amount_minor, "currency": "EUR", "card_token": "tok_success"},
    )
    assert late.json()["state"] == "cancelled"
    assert Payment.objects.count() == 1


def test_a_provider_that_is_not_where_it_should_be_leaves_payment_and_refund_open(
    charging, alice, olga, now, settings
):
    settings.PAYMENTS_SANDBOX_URL = f"{charging.url}/nowhere"
    payment = make_payment(alice, now=now, prices=(700,))
    assert services.start(payment_id=payment.pk, now=now).state == "unknown"
    late = now + services.SETTLE_AFTER * 2
    assert services.settle_unknown(now=late) == 0
    assert services.settle_unknown(now=now + timedelta(hours=1)) == 0

    settings.PAYMENTS_SANDBOX_URL = charging.url
    assert services.settle_unknown(now=late) == 1
    order = payment.purchase.orders.get()
    settings.PAYMENTS_SANDBOX_URL = f"{charging.url}/nowhere"
    refund = services.refund_order(order_id=order.pk, reason="", by=olga, now=now)
    assert refund.state == "created"


def test_an_order_of_free_gifts_has_nothing_to_give_back(charging, alice, olga, now):
    payment = make_payment(alice, now=now, prices=(700, 0))
    services.start(payment_id=payment.pk, now=now)
    free = payment.purchase.orders.get(total_minor=0)
    with pytest.raises(NotRefundable):
        services.refund_order(order_id=free.pk, reason="", by=olga, now=now)


def test_what_was_just_written_is_charged_as_if_it_were_read_again(
    charging, alice, now, monkeypatch
):
    first, second = (make_payment(alice, now=now) for _ in range(2))
    number = first.purchase.orders.first().number
    charge, asked = Sandbox.charge, []

    def look(self, ask):
        asked.append((ask, len(connection.queries_log)))
        return charge(self, ask)

    monkeypatch.setattr(Sandbox, "charge", look)
    with CaptureQueriesContext(connection) as seen:
        before = seen.initial_queries
        assert services.start_new(payment=first, number=number, now=now).state == "captured"
    services.start(payment_id=second.pk, now=now)
    (one, queries_before), (other, _) = asked
    assert queries_before == before
    # A key stands for one thing at the provider: whoever asks must ask for the same.
    same = {"key": second.pk, "description": second.purchase.orders.first().number}
    assert other == replace(
        one, **same, return_url=one.return_url.replace(str(first.pk), str(second.pk))
    )
    assert str(second.pk) in other.return_url


def test_two_who_start_the_same_payment_pay_once(charging, alice, now):
    """Each holds what was written; nobody reads again how it stands."""
    payment = make_payment(alice, now=now)
    number = payment.purchase.orders.first().number
    same = [Payment.objects.get(pk=payment.pk) for _ in range(2)]
    ends = [services.start_new(payment=one, number=number, now=now) for one in same]
    assert [end.state for end in ends] == ["captured", "captured"]
    assert len({end.provider_ref for end in ends}) == 1
    assert payment.events.filter(to_state="captured").count() == 1


def test_a_payment_that_was_cancelled_meanwhile_is_not_charged(charging, alice, now):
    payment = make_payment(alice, now=now)
    number = payment.purchase.orders.first().number
    held = Payment.objects.get(pk=payment.pk)
    assert services.settle_unknown(now=payment.purchase.pay_by + services.SETTLE_AFTER) == 1
    assert queries.state_of(payment.purchase_id) == "cancelled"
    assert services.start_new(payment=held, number=number, now=now).state == "cancelled"
    assert charging.ask("GET", f"/v1/charges/{payment.pk}").json()["state"] == "cancelled"
