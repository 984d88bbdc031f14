"""Messages of the provider in any order, any number of times, end where the right order ends."""

import contextlib
import json
import uuid
from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from shops.facts.models import Event
from shops.facts.refused import NotFound
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
    @settings(max_examples=15, deadline=None)
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

    @settings(max_examples=10, deadline=None)
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


# Every way a charge can go at a provider: its states, and whether it is charged back afterwards.
TRUTHS = {
    "paid": (["pending", "succeeded"], False),
    "declined": (["pending", "failed"], False),
    "confirmed": (["requires_action", "pending", "succeeded"], False),
    "refused": (["requires_action", "failed"], False),
    "given up": (["requires_action", "cancelled"], False),
    "taken later": (["authorized", "succeeded"], False),
    "taken in part": (["requires_action", "authorized", "part"], False),
    "let go": (["authorized", "cancelled"], False),
    "charged back": (["pending", "succeeded", "back"], True),
    "part charged back": (["authorized", "part", "back"], True),
}
ENDS = {
    "succeeded": "captured",
    "part": "captured",
    "failed": "failed",
    "cancelled": "cancelled",
}


def say(payment, word, message_id, *, by):
    """Deliver one message of a provider; it comes again later when it is refused as too early."""
    body = {"sandbox": sandbox_says, "stripe": stripe_says}[by](payment, word)
    with contextlib.suppress(services.NotCapturedYet, NotFound):
        services.take_in(provider=by, message_id=message_id, body=body, now=NOW)


def sandbox_says(payment, word):
    if word == "back":
        data = {
            "ref": f"cb_{payment.pk}",
            "charge_ref": f"ch_{payment.pk}",
            "amount_minor": 700,
            "currency": "EUR",
        }
        return json.dumps({"type": "chargeback.created", "data": data}).encode()
    changes = {"ref": f"ch_{payment.pk}"}
    if word == "part":
        word, changes["captured_minor"] = "succeeded", 700
    return message(payment, word, **changes)


def stripe_says(payment, word):
    if word == "back":
        about = {
            "id": f"dp_{payment.pk}",
            "payment_intent": f"ch_{payment.pk}",
            "amount": 700,
            "currency": "eur",
            "reason": "fraudulent",
        }
        kind = "charge.dispute.funds_withdrawn"
    else:
        states = {
            "pending": "processing",
            "failed": "requires_payment_method",
            "authorized": "requires_capture",
            "cancelled": "canceled",
            "part": "succeeded",
        }
        took = {"succeeded": payment.amount_minor, "part": 700}
        about = {
            "id": f"ch_{payment.pk}",
            "status": states.get(word, word),
            "amount": payment.amount_minor,
            "amount_received": took.get(word, 0),
            "currency": "eur",
            "metadata": {"key": str(payment.pk)},
            "last_payment_error": {"code": "card_declined"} if word == "failed" else None,
            "next_action": None,
        }
        kind = "payment_intent.any"
    return json.dumps({"id": "evt", "type": kind, "data": {"object": about}}).encode()


def end_as_the_provider_says(draw, name, by):
    """Lose, double and shuffle a story's messages; then ask, as the reconciler does."""
    story, is_charged_back = TRUTHS[name]
    payment = make_payment(UserFactory(), now=NOW)
    Payment.objects.filter(pk=payment.pk).update(
        provider=by, is_manual="part" in story or "authorized" in story
    )
    told = draw(st.lists(st.tuples(st.sampled_from(story), st.integers(0, 2)), max_size=10))
    for word, number in told:
        say(payment, word, f"{payment.pk}-{word}-{number}", by=by)

    # The reconciler asks for what was lost: how it stands, then the charge-backs.
    last = [word for word in story if word != "back"][-1]
    say(payment, last, f"{payment.pk}-asked", by=by)
    if is_charged_back:
        say(payment, "back", f"{payment.pk}-asked-back", by=by)

    payment = Payment.objects.get(pk=payment.pk)
    assert payment.state == ("charged_back" if is_charged_back else ENDS[last])
    took = {"succeeded": payment.amount_minor, "part": 700}.get(last, 0)
    assert payment.captured_minor == took
    paid = {order.is_paid for order in payment.purchase.orders.all()}
    assert paid == {bool(took)}
    kinds = Event.objects.filter(payload__payment_id=str(payment.pk)).values_list("kind")
    counts = Counter(kind for (kind,) in kinds)
    assert counts == {
        **({"PaymentCaptured": 1} if took else {"PaymentFailed": 1}),
        **({"ChargedBack": 1} if is_charged_back else {}),
    }


ANY_STORY = {
    "data": st.data(),
    "name": st.sampled_from(sorted(TRUTHS)),
    "by": st.sampled_from(["sandbox", "stripe"]),
}


class Truth(TestCase):
    """Whatever becomes of its messages, a payment ends as it stands at its provider."""

    @settings(max_examples=8, deadline=None)
    @given(**ANY_STORY)
    def test_lost_doubled_and_shuffled_messages(self, data, name, by):
        end_as_the_provider_says(data.draw, name, by)

    @pytest.mark.campaign
    @settings(max_examples=1000, deadline=None)
    @given(**ANY_STORY)
    def test_a_thousand_stories(self, data, name, by):
        end_as_the_provider_says(data.draw, name, by)


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
