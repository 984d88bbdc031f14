"""Balances from checkpoints: right whatever commits when, and no account is ever locked."""

import threading
from datetime import UTC, datetime

import pytest
from django.db import connection, transaction

from shops.ledger import checkpoints, queries
from shops.ledger.checks import off
from shops.ledger.models import Account, Checkpoint, Kind, Side
from shops.ledger.services import Line, post

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def sell(key, amount=100):
    sides = (Kind.PSP_CLEARING, Side.DEBIT), (Kind.ORDER_ESCROW, Side.CREDIT)
    lines = [
        Line(kind=kind, side=side, amount_minor=amount, currency="EUR") for kind, side in sides
    ]
    return post(source="test", key=str(key), lines=lines, description="", now=NOW)


def clearing():
    return queries.balance_of(kind=Kind.PSP_CLEARING, currency="EUR")


def write():
    return checkpoints.write(now=NOW, least=1, patience=0)


@pytest.fixture
def posting(transactional_db):
    """Another connection that has posted a sale of 7 and holds its transaction open."""
    posted, may_commit, errors = threading.Event(), threading.Event(), []

    def sells():
        try:
            with transaction.atomic():
                sell("slow", 7)
                posted.set()
                may_commit.wait(30)
        except Exception as error:
            errors.append(error)
        finally:
            posted.set()
            connection.close()

    def start():
        thread.start()
        assert posted.wait(30)

    def end():
        may_commit.set()
        thread.join()
        assert errors == []

    thread = threading.Thread(target=sells)
    try:
        yield start, end
    finally:
        may_commit.set()
        if thread.ident:
            thread.join()


@pytest.mark.django_db
def test_a_balance_is_the_checkpoint_and_what_came_after():
    sell(1)
    assert write() == 2
    sell(2)

    assert clearing() == 200
    assert write() == 2
    assert write() == 0
    assert clearing() == 200
    assert queries.balances_of_owner(owner="")[Kind.ORDER_ESCROW, "EUR"] == -200
    assert list(off()) == []


@pytest.mark.django_db
def test_few_entries_get_no_checkpoint():
    sell(1)

    assert checkpoints.write(now=NOW, least=2) == 0
    assert not Checkpoint.objects.exists()


@pytest.mark.django_db
def test_older_entries_are_not_added_up_again():
    sell(1)
    write()
    Checkpoint.objects.update(balance_minor=1_000_000)

    assert abs(clearing()) == 1_000_000
    assert len(list(off())) == 2


def test_an_entry_that_commits_late_is_never_passed_by(posting):
    start, end = posting
    sell("first")
    start()
    sell("quick")

    assert write() == 0

    end()
    assert clearing() == 207
    assert write() == 2
    assert clearing() == 207
    assert list(off()) == []


def test_it_would_be_passed_by_without_the_wait(posting, monkeypatch):
    """The control: as soon as nobody waits for older transactions, money disappears."""
    start, end = posting
    monkeypatch.setattr(checkpoints, "_all_older_have_ended", lambda patience: True)
    sell("first")
    start()
    sell("quick")

    assert write() == 2

    end()
    assert clearing() == 200
    assert list(off())


def test_postings_do_not_wait_for_each_other_nor_for_a_checkpoint(posting):
    start, end = posting
    sell("first")
    start()

    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '1s'")
        sell("quick")
        write()
    end()

    assert clearing() == 207
    assert Account.objects.count() == 2
