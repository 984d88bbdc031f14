"""Browsers are told the newest stock of a hot SKU, and not every one in between."""

import threading

from shops.stock.events import StockChanged
from shops.stock.telling import Teller


def changed(sku_id, rev):
    return StockChanged(sku_id=sku_id, product_id=1, available=9 - rev, on_hand=9, rev=rev)


def test_of_each_sku_the_newest_is_told():
    shown, first, go_on = [], threading.Event(), threading.Event()

    def show(fact):
        shown.append((fact.sku_id, fact.rev))
        first.set()
        go_on.wait(5)

    teller = Teller(show, every_seconds=0.01)
    teller.tell(changed(1, rev=1))
    assert first.wait(5)
    for sku_id, rev in [(1, 2), (1, 4), (2, 1), (1, 3)]:
        teller.tell(changed(sku_id, rev))
    go_on.set()
    teller.close()
    assert shown == [(1, 1), (1, 4), (2, 1)]


def test_one_that_can_not_be_told_keeps_no_other_from_it(caplog):
    shown = []

    def show(fact):
        if fact.sku_id == 1:
            raise RuntimeError("a mistake")
        shown.append(fact.sku_id)

    teller = Teller(show, every_seconds=0)
    teller.tell(changed(1, rev=1))
    teller.tell(changed(2, rev=1))
    teller.close()
    assert shown == [2]
    assert "SKU 1 was not shown" in caplog.text


def test_its_thread_ends_without_news_and_another_begins():
    shown = []
    teller = Teller(shown.append, every_seconds=0, idle_seconds=0.01)
    for rev in (1, 2):
        teller.tell(changed(1, rev))
        thread = teller._thread
        thread.join(5)
        assert not thread.is_alive()
        assert teller._thread is None
    assert [fact.rev for fact in shown] == [1, 2]
