"""An order of carol's shop that alice got yesterday, and a provider that does as it is told."""

import pytest

from shops.facts.models import Event
from shops.facts.publishing import read
from shops.orders.models import Order
from shops.payments import refunds as payments
from shops.payments.models import Refund, RefundState
from shops.payments.wire import RefundReport
from shops.returns import reactions, refunds
from shops.returns.models import ReturnRefund
from tests.factories.returns import Bought, ask, sent_order


@pytest.fixture(autouse=True)
def _private_files(settings, tmp_path):
    storage = settings.STORAGES["private"]
    settings.STORAGES = settings.STORAGES | {
        "private": storage | {"OPTIONS": storage["OPTIONS"] | {"location": tmp_path}}
    }


@pytest.fixture
def order(alice, carol, shop, now):
    """Three mugs at 19.90 and a lamp at 40.00, with 5.90 for shipping."""
    return sent_order(
        alice,
        shop,
        Bought(quantity=3),
        Bought(price_minor=4000, title="Lamp"),
        shipping_minor=590,
        now=now,
    )


@pytest.fixture
def mugs(order):
    return order.lines.get(title="Mug")


@pytest.fixture
def lamp(order):
    return order.lines.get(title="Lamp")


@pytest.fixture
def case(order, lamp, now):
    """Alice wants to give the lamp back."""
    return ask(order, units={lamp.pk: 1}, now=now)


@pytest.fixture
def provider_gives_back(monkeypatch, now):
    """Carry out what is owed, with its facts; with False, the provider refuses, or sends back."""

    def run(is_willing=True):
        def answer(*, refund_id, now):
            refund = payments._refund(refund_id)
            report = RefundReport(
                key=str(refund.pk),
                ref="re_1",
                state="succeeded" if is_willing else "failed",
                amount_minor=refund.amount_minor,
                currency=refund.payment.currency,
            )
            return payments.apply_refund(refund_id=refund_id, report=report, now=now)

        def refund_order(**wanted):
            refund = payments.create_refund(**wanted)
            return answer(refund_id=refund.pk, now=wanted["now"])

        monkeypatch.setattr(refunds, "refund_order", refund_order)
        before = set(Event.objects.values_list("pk", flat=True))
        for owed in ReturnRefund.objects.filter(state="due"):
            refunds.pay_back(refund_id=owed.pk, now=now)
        if not is_willing:
            for made in Refund.objects.filter(state=RefundState.SUCCEEDED):
                answer(refund_id=made.pk, now=now)
        for event in Event.objects.exclude(pk__in=before).order_by("pk"):
            if event.kind == "RefundSucceeded":
                reactions.note_refund(read(event), event_id=event.pk, now=now)
            elif event.kind in ("RefundFailed", "RefundCameBack"):
                reactions.note_failure(read(event), event_id=event.pk, now=now)

    return run


def refunded(order):
    """What went back for an order, as the orders' and the payments' rooms see it."""
    fresh = Order.objects.get(pk=order.pk)
    succeeded = order.refunds.filter(state=RefundState.SUCCEEDED)
    assert sum(refund.amount_minor for refund in succeeded) == fresh.refunded_minor
    return fresh.refunded_minor
