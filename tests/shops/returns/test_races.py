"""Two who act at once: one wins, the other is told; each race with its guard off as a control."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from shops.facts.refused import Refused
from shops.returns import deciding, moving, requesting
from shops.returns.models import Return, ReturnLine
from tests.factories.returns import ask

pytestmark = pytest.mark.django_db(transaction=True)


class _Meeting:
    """Lets two meet in the middle of their work, if nothing keeps one of them out."""

    def __init__(self):
        self._barrier = threading.Barrier(2)

    def __call__(self):
        try:
            self._barrier.wait(timeout=0.6)
        except threading.BrokenBarrierError:
            return


def _at_once(*works):
    def run(work):
        try:
            work()
        except Refused as refused:
            return refused.code
        finally:
            connection.close()
        return "done"

    with ThreadPoolExecutor(len(works)) as pool:
        return sorted(pool.map(run, works))


def _without_locks(monkeypatch):
    """Have `select_for_update` of the orders lock nothing."""
    from django.db.models import QuerySet

    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, **_: self)


@pytest.mark.parametrize("is_locked", [True, False], ids=["locked", "control"])
def test_the_last_unit_is_asked_for_once(order, lamp, now, monkeypatch, is_locked):
    meet, look = _Meeting(), requesting.returnable

    def slowly(**wanted):
        found = look(**wanted)
        meet()
        return found

    monkeypatch.setattr(requesting, "returnable", slowly)
    if not is_locked:
        _without_locks(monkeypatch)
    wish = lambda: ask(order, units={lamp.pk: 1}, now=now)  # noqa: E731  # a thread's work
    results = _at_once(wish, wish)
    asked = ReturnLine.objects.filter(order_line=lamp).count()
    if is_locked:
        assert (results, asked) == (["done", "too_many_units"], 1)
    else:
        assert (results, asked) == (["done", "done"], 2)


@pytest.mark.parametrize("guard", ["lock", "compare-and-set", "control"])
def test_the_shop_rejects_while_the_buyer_cancels(case, alice, carol, now, monkeypatch, guard):
    meet, swap = _Meeting(), moving.swap

    def slowly(*args, **fields):
        meet()
        return swap(*args, **fields)

    def blindly(case, before, **fields):
        meet()
        return Return.objects.filter(pk=case.pk).update(**fields)

    monkeypatch.setattr(moving, "swap", blindly if guard == "control" else slowly)
    if guard != "lock":
        _without_locks(monkeypatch)
    results = _at_once(
        lambda: deciding.reject(case_id=case.pk, reason="Worn", by=carol, now=now),
        lambda: requesting.cancel(case_id=case.pk, by=alice, now=now),
    )
    events = set(case.events.values_list("kind", flat=True)) - {"requested"}
    if guard == "control":
        assert (results, events) == (["done", "done"], {"rejected", "cancelled"})
    else:
        assert results == ["done", "return_moved"]
        assert len(events) == 1
