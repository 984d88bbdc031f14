"""The doctor is silent about what came about by the services, and sees each thing that is off."""

import pytest

from shops.returns import deciding, disputes
from shops.returns.checks import CHECKS
from shops.returns.models import Dispute, Return, ReturnLine, ReturnRefund
from shops.stock.models import StockMovement
from tests.factories.returns import ask

pytestmark = pytest.mark.django_db


def _off(now):
    return {name for name, check in CHECKS.items() if list(check(now))}


@pytest.fixture
def lived(order, mugs, lamp, alice, carol, now, provider_gives_back):
    """One return refunded in part, with its goods back; another one in dispute."""
    first = ask(order, units={mugs.pk: 2}, now=now)
    deciding.approve(case_id=first.pk, by=carol, now=now)
    line = first.lines.get()
    deciding.receive(case_id=first.pk, arrived={line.pk: deciding.Arrived(1, 1)}, by=carol, now=now)
    deciding.refund(case_id=first.pk, amount_minor=2000, reason="One broke", by=carol, now=now)
    provider_gives_back()
    second = ask(order, units={lamp.pk: 1}, now=now)
    deciding.reject(case_id=second.pk, reason="Worn", by=carol, now=now)
    disputes.open_dispute(case_id=second.pk, text="No", by=alice, now=now)


def test_nothing_is_off_after_an_ordinary_life(lived, now):
    assert _off(now) == set()


@pytest.mark.parametrize(
    ("spoil", "name"),
    [
        (
            lambda: ReturnLine.objects.filter(quantity=2).update(quantity=4),
            "no more comes back than was bought",
        ),
        (
            lambda: ReturnLine.objects.filter(quantity=2).update(amount_minor=5971),
            "no more comes back than was bought",
        ),
        (
            lambda: Return.objects.filter(refund_minor=2000).update(refund_minor=2001),
            "what was decided is what is owed",
        ),
        (
            lambda: ReturnRefund.objects.get().case.order.refunds.update(state="pending"),
            "what was given back went through the payments",
        ),
        (
            lambda: Return.objects.filter(state="refunded").update(state="closed"),
            "returns are where their events left them",
        ),
        (lambda: Dispute.objects.update(state="decided"), "in dispute ⇔ a dispute is open"),
        (
            lambda: ReturnLine.objects.filter(restocked=1).update(restocked=0),
            "what is back on the shelf is in the stock",
        ),
    ],
    ids=["units", "amounts", "decided", "given", "traces", "disputes", "shelf"],
)
def test_each_thing_that_is_off_is_seen(lived, now, spoil, name):
    spoil()
    assert _off(now) == {name}


def test_the_shelf_is_counted_by_the_stock_itself(lived):
    assert StockMovement.objects.filter(kind="returned").get().quantity == 1
