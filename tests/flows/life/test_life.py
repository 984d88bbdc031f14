"""Goods and money through their whole life: whatever happens in whatever order, it adds up."""

import uuid

import pytest
from django.db.models import F
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from shops.orders.models import Order
from shops.payments import providers
from shops.payments.models import Payment
from shops.payouts.models import Payout
from shops.stock.models import Stock
from tests.flows.life.machine import Life

pytestmark = [pytest.mark.django_db, pytest.mark.long]
ORDINARY = settings(
    max_examples=2,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(autouse=True)
def bank(monkeypatch, settings):
    settings.PAYOUT_WAY = "sandbox"
    settings.PAYOUT_MINIMUM = 1
    monkeypatch.setitem(providers._PROVIDERS, "sandbox", "tests.flows.life.bank.the_bank")
    providers.provider_of.cache_clear()
    yield
    providers.provider_of.cache_clear()


def test_it_adds_up():
    run_state_machine_as_test(Life, settings=ORDINARY)


@pytest.mark.campaign
def test_it_adds_up_for_long():
    run_state_machine_as_test(
        Life, settings=settings(ORDINARY, max_examples=100, stateful_step_count=80)
    )


def test_what_is_done_again_makes_the_same_life():
    """Else what hypothesis finds is gone when it looks again."""

    def lived():
        life = Life()
        for buyer in (0, 1):
            life.order(buyer=buyer, sku=0, units=1, card="tok_success")
        life.do_jobs(again=False)
        keys = list(Payment.objects.order_by("pk").values_list("pk", flat=True))
        life.teardown()
        return keys

    assert lived() == lived()
    assert uuid.uuid4() != uuid.uuid4()


@pytest.fixture
def paid():
    """A life in which something was ordered, paid for and posted."""
    life = Life()
    life.order(buyer=0, sku=0, units=1, card="tok_success")
    life.do_jobs(again=False)
    assert Order.objects.get().is_paid
    yield life
    life.teardown()


WRONGS = {
    "stock_adds_up": lambda: Stock.objects.filter(reserved=1).update(reserved=0),
    "paid_means_one_captured_charge": lambda: Payment.objects.update(state="failed"),
    "nobody_is_charged_twice": lambda: Payment.objects.update(
        captured_minor=F("captured_minor") - 1
    ),
}


@pytest.mark.parametrize("what", WRONGS)
def test_control_what_does_not_add_up_is_seen(paid, what):
    getattr(paid, what)()
    WRONGS[what]()

    with pytest.raises(AssertionError):
        getattr(paid, what)()


def test_control_money_from_nowhere_is_seen(paid):
    charge = next(iter(paid.bank.charges.values()))
    charge.refunded["twice"] = charge.amount_minor + 1
    with pytest.raises(AssertionError):
        paid.no_more_goes_back_than_came()
    paid.bank.payouts[uuid.uuid4()] = (1, "EUR")
    with pytest.raises(Payout.DoesNotExist):
        paid.nothing_is_paid_out_twice()
