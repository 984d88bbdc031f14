"""Messages of the provider in any order, any number of times, end where the right order ends."""

import uuid
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from shops.facts.models import Event
from shops.payments import services
from shops.payments.models import Payment, PaymentEvent, Refund
from tests.factories.accounts import UserFactory
from tests.factories.payments import make_payment, message, refund_message, report

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
STORIES = {"paid": ["pending", "succeeded"], "declined": ["pending", "failed"]}


@st.composite
def deliveries(draw, story):
    """Every message at least once, some again (the same one, or as news), in any order.

    Each is (state, message id or None): None is a direct answer of the provider, not a message.
    """
    sent = [(state, f"msg-{number}") for number, state in enumerate(story)]
    again = draw(st.lists(st.sampled_from(sent), max_size=4))
    as_news = draw(st.lists(st.tuples(st.sampled_from(story), st.just("new")), max_size=2))
    answers = draw(st.lists(st.tuples(st.sampled_from(story), st.none()), max_size=2))
    return draw(st.permutations(sent + again + as_news + answers))


def tell(payment, state, message_id):
    if message_id is None:
        services.apply(payment_id=payment.pk, report=report(payment, state), now=NOW)
        return
    name = uuid.uuid4().hex if message_id == "new" else f"{message_id}-{payment.pk}"
    services.take_in(message_id=name, body=message(payment, state), now=NOW)


def end_of(payment):
    """What a purchase ended as, without what differs between two of them."""
    payment = Payment.objects.get(pk=payment.pk)
    facts = Event.objects.filter(payload__purchase_id=str(payment.purchase_id))
    return {
        "payment": (payment.state, payment.failure_code, payment.captured_at),
        "ends": list(
            PaymentEvent.objects.filter(payment=payment)
            .exclude(to_state__in=["created", "unknown"])
            .values_list("to_state", flat=True)
        ),
        "orders": sorted(payment.purchase.orders.values_list("state", "paid_at", "total_minor")),
        "facts": sorted(facts.values_list("kind", flat=True)),
    }


class Chaos(TestCase):
    @settings(max_examples=40, deadline=None)
    @given(data=st.data(), name=st.sampled_from(sorted(STORIES)))
    def test_of_one_payments_messages(self, data, name):
        alice = UserFactory()
        in_order, shuffled = (make_payment(alice, now=NOW) for _ in range(2))
        for state in STORIES[name]:
            tell(in_order, state, state)

        for state, message_id in data.draw(deliveries(STORIES[name])):
            tell(shuffled, state, message_id)

        assert end_of(shuffled) == end_of(in_order)
        assert end_of(shuffled)["ends"] == ["captured" if name == "paid" else "failed"]

    @settings(max_examples=25, deadline=None)
    @given(
        told=st.lists(
            st.tuples(st.sampled_from(["pending", "succeeded"]), st.integers(0, 3)),
            min_size=1,
            max_size=6,
        ).filter(lambda told: ("succeeded") in {state for state, _ in told})
    )
    def test_of_a_refunds_messages(self, told):
        payment = make_payment(UserFactory(), now=NOW, prices=(700,))
        tell(payment, "succeeded", "msg")
        order = payment.purchase.orders.get()
        refund = Refund.objects.create(
            payment=payment, order=order, amount_minor=700, created_at=NOW
        )

        for state, number in told:
            services.take_in(
                message_id=f"{refund.pk}-{state}-{number}",
                body=refund_message(refund, state),
                now=NOW,
            )

        refund.refresh_from_db()
        order.refresh_from_db()
        assert refund.state == "succeeded"
        assert (order.refunded_minor, order.is_refunded) == (700, True)
        succeeded = Event.objects.filter(kind="RefundSucceeded", payload__refund_id=str(refund.pk))
        assert succeeded.count() == 1


@pytest.mark.django_db
def test_control_a_payment_that_could_move_back_would_end_elsewhere(alice, monkeypatch):
    from shops.payments.models import PAYMENT_TRANSITIONS, PaymentState

    payment = make_payment(alice, now=NOW)
    monkeypatch.setitem(
        PAYMENT_TRANSITIONS, PaymentState.CAPTURED, frozenset({PaymentState.UNKNOWN})
    )
    for state in ("succeeded", "pending"):
        tell(payment, state, state)
    assert Payment.objects.get(pk=payment.pk).state == "unknown"
