"""Who comes at the same time takes turns; each race has a control with its guard off."""

import contextlib
import threading
import uuid

import pytest
from django.db import connection, transaction
from django.db.models import QuerySet

from shops.ledger import checks as ledger_checks
from shops.ledger import queries as ledger
from shops.ledger.models import Kind
from shops.payouts import checks, paying, reactions, reversing, settling
from shops.payouts.accounts import save_account
from shops.payouts.models import Payout
from tests.factories.payouts import delivered, line, refund

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def beside():
    """beside(work) runs it in a thread with a connection of its own; `.join()` raises its error."""
    threads = []

    class Beside(threading.Thread):
        error = None

        def __init__(self, work):
            super().__init__()
            self.work = work
            threads.append(self)
            self.start()

        def run(self):
            try:
                self.work()
            except Exception as error:
                self.error = error
            finally:
                connection.close()

        def join(self, timeout=30):
            super().join(timeout)
            if self.error:
                raise self.error

    yield Beside
    for thread in threads:
        threading.Thread.join(thread, 30)


@pytest.fixture
def no_locks(monkeypatch):
    """The control's hand: rows are read as if nobody locked them."""
    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, **kwargs: self)


def off(now):
    return [*ledger_checks.off(), *checks.off(now=now)]


@pytest.fixture
def refund_against_release(now, shop, beside, monkeypatch):
    """Have a refund decide that the order is not released, then have it released, then go on."""
    order = delivered(now=now, shop=shop, lines=[line(10_000)])
    fact = refund(order, 4_000, now=now)
    decided, may_go_on = threading.Event(), threading.Event()

    def released(order):
        found = reversing_released(order)
        decided.set()
        assert may_go_on.wait(30)
        return found

    reversing_released = reversing.released
    monkeypatch.setattr(reversing, "released", released)

    def react():
        with transaction.atomic():
            reactions.reverse_released(fact, event_id=0, now=now)

    def race():
        reacting = beside(react)
        assert decided.wait(30)
        in_between = settling.settle(order_id=order.pk, now=now)
        may_go_on.set()
        reacting.join()
        settling.settle(order_id=order.pk, now=now)
        return in_between

    return race


def escrow(shop):
    return ledger.balance_of(kind=Kind.ORDER_ESCROW, owner=f"shop:{shop.pk}", currency="EUR")


def test_a_refund_is_taken_from_escrow_or_from_what_was_released(refund_against_release, shop, now):
    assert not refund_against_release()

    assert escrow(shop) == 0
    assert off(now) == []


def test_it_would_be_taken_from_an_empty_escrow_without_the_lock(
    refund_against_release, shop, now, no_locks
):
    assert refund_against_release()

    assert escrow(shop) == 4_000


@pytest.fixture
def two_runs(now, shop, carol, beside, monkeypatch):
    """Have two runs look at the same balance at once."""
    owner = f"shop:{shop.pk}"
    order = delivered(now=now, shop=shop, lines=[line(10_000)])
    settling.settle(order_id=order.pk, now=now)
    save_account(owner=owner, holder="Carol", number="ACCOUNT01", bic="", by=carol, now=now)
    seen = threading.Barrier(2)
    balance_of = ledger.balance_of

    def slowly(**asked):
        balance = balance_of(**asked)
        with contextlib.suppress(threading.BrokenBarrierError):
            seen.wait(0.3)
        return balance

    def race():
        monkeypatch.setattr(ledger, "balance_of", slowly)
        runs = [beside(lambda: paying.start_run(run_id=uuid.uuid4(), now=now)) for _ in range(2)]
        for run in runs:
            run.join()
        monkeypatch.setattr(ledger, "balance_of", balance_of)

    return race


def test_two_runs_at_once_pay_a_balance_once(two_runs, now):
    two_runs()

    assert Payout.objects.count() == 1
    assert off(now) == []


def test_they_would_pay_it_twice_without_the_lock(two_runs, no_locks):
    two_runs()

    assert Payout.objects.count() == 2
