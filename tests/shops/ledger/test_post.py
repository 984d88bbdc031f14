"""ledger.services.post: whatever is posted balances, once, and stays."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from shops.ledger import queries
from shops.ledger.models import Account, Entry, Journal, Kind, Side
from shops.ledger.services import Line, Unbalanced, post

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)

kinds = st.sampled_from(list(Kind))
owners = st.sampled_from(["", "shop:1", "shop:2", "creator:7"])
currencies = st.sampled_from(["EUR", "JPY", "GBP"])
amounts = st.integers(min_value=1, max_value=10**12)


def line(side, amount, currency="EUR", kind=Kind.PSP_CLEARING, owner=""):
    return Line(kind=kind, side=side, amount_minor=amount, currency=currency, owner=owner)


def sale(amount=1990, currency="EUR", owner="shop:1"):
    return [
        line(Side.DEBIT, amount, currency),
        line(Side.CREDIT, amount, currency, Kind.ORDER_ESCROW, owner),
    ]


@st.composite
def balanced(draw):
    """One debit of each currency, split into several credits (or the other way round)."""
    lines = []
    for currency in draw(st.sets(currencies, min_size=1)):
        parts = draw(st.lists(amounts, min_size=1, max_size=4))
        one, many = draw(st.permutations([Side.DEBIT, Side.CREDIT]))
        lines.append(line(one, sum(parts), currency, draw(kinds), draw(owners)))
        lines += [line(many, part, currency, draw(kinds), draw(owners)) for part in parts]
    return draw(st.permutations(lines))


def per_currency(lines):
    sums = Counter()
    for each in lines:
        sums[each.currency] += each.amount_minor * (1 if each.side == Side.DEBIT else -1)
    return sums


class AnyPosting(TestCase):
    @settings(deadline=None)
    @given(journals=st.lists(balanced(), min_size=1, max_size=4))
    def test_balances_and_is_counted_once_however_often_it_is_posted(self, journals):
        for _ in range(2):
            for number, lines in enumerate(journals):
                post(source="test", key=str(number), lines=lines, description="", now=NOW)
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")

        assert Journal.objects.count() == len(journals)
        expected = Counter()
        for lines in journals:
            for each in lines:
                sign = 1 if each.side == Side.DEBIT else -1
                expected[each.account] += sign * each.amount_minor
        rows = queries.trial_balance()
        found = {
            (row.account.kind, row.account.owner, row.account.currency): row.balance_minor
            for row in rows
        }
        assert found == dict(expected)
        assert all(queries.balance(account=row.account) == row.balance_minor for row in rows)
        for currency in {row.account.currency for row in rows}:
            of_it = [row for row in rows if row.account.currency == currency]
            assert sum(row.debit_minor for row in of_it) == sum(row.credit_minor for row in of_it)

    @settings(deadline=None)
    @given(
        lines=st.lists(
            st.builds(line, st.sampled_from(list(Side)), amounts, currencies, kinds, owners),
            max_size=5,
        ).filter(lambda lines: any(per_currency(lines).values()) or len(lines) < 2)
    )
    def test_unbalanced_lines_are_refused_and_leave_nothing(self, lines):
        with pytest.raises(Unbalanced):
            post(source="test", key="k", lines=lines, description="", now=NOW)
        assert not Journal.objects.exists()


@pytest.mark.django_db
def test_the_second_posting_answers_none_and_changes_nothing():
    first = post(source="capture", key="1", lines=sale(), description="sale", now=NOW)
    second = post(source="capture", key="1", lines=sale(999), description="sale", now=NOW)
    assert first is not None
    assert second is None
    assert queries.balance_of(kind=Kind.ORDER_ESCROW, owner="shop:1", currency="EUR") == -1990


@pytest.mark.django_db
@pytest.mark.parametrize("amount", [0, -1])
def test_an_amount_is_above_zero(amount):
    with pytest.raises(Unbalanced):
        post(source="test", key="k", lines=sale(amount), description="", now=NOW)


@pytest.mark.django_db
def test_journals_are_found_with_their_entries_by_source_and_key(django_assert_num_queries):
    for number in range(3):
        post(source="capture", key=str(number), lines=sale(), description="", now=NOW)
    post(source="refund", key="1", lines=sale(), description="", now=NOW)
    with django_assert_num_queries(2):
        found = list(queries.journals(source="capture", keys=["1", "2"]))
        assert [journal.key for journal in found] == ["1", "2"]
        assert [entry.account.kind for entry in found[0].entries.all()] == [
            Kind.PSP_CLEARING,
            Kind.ORDER_ESCROW,
        ]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "sides",
    [
        [(Side.DEBIT, 100), (Side.CREDIT, 99)],
        [(Side.DEBIT, 100), (Side.DEBIT, 100)],
        [(Side.DEBIT, 100)],
        [],
    ],
)
def test_the_database_refuses_an_uneven_journal_when_it_is_committed(sides):
    account = Account.objects.create(kind=Kind.PSP_CLEARING, currency="EUR")
    transaction.set_autocommit(False)
    try:
        journal = Journal.objects.create(source="raw", key="1")
        for side, amount in sides:
            Entry.objects.create(journal=journal, account=account, side=side, amount_minor=amount)
        with pytest.raises(IntegrityError, match="journal"):
            transaction.commit()
        transaction.rollback()
    finally:
        transaction.set_autocommit(True)
    assert not Journal.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_currencies_do_not_even_each_other_out():
    euro = Account.objects.create(kind=Kind.PSP_CLEARING, currency="EUR")
    yen = Account.objects.create(kind=Kind.ORDER_ESCROW, currency="JPY")
    transaction.set_autocommit(False)
    try:
        journal = Journal.objects.create(source="raw", key="1")
        Entry.objects.create(journal=journal, account=euro, side=Side.DEBIT, amount_minor=5)
        Entry.objects.create(journal=journal, account=yen, side=Side.CREDIT, amount_minor=5)
        with pytest.raises(IntegrityError, match="sum to zero"):
            transaction.commit()
        transaction.rollback()
    finally:
        transaction.set_autocommit(True)


@pytest.mark.django_db(transaction=True)
def test_an_entry_added_later_must_balance_too():
    journal = post(source="capture", key="1", lines=sale(), description="", now=NOW)
    account = Account.objects.first()
    with pytest.raises(IntegrityError, match="sum to zero"):
        Entry.objects.create(journal=journal, account=account, side=Side.DEBIT, amount_minor=1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_entry SET amount_minor = amount_minor + 1",
        "DELETE FROM ledger_entry",
        "UPDATE ledger_journal SET description = 'other'",
        "DELETE FROM ledger_journal",
        "UPDATE ledger_account SET currency = 'USD'",
        "DELETE FROM ledger_account",
    ],
)
def test_what_is_in_the_books_stays(statement):
    post(source="capture", key="1", lines=sale(), description="", now=NOW)
    with (
        pytest.raises(IntegrityError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    assert queries.balance_of(kind=Kind.PSP_CLEARING, currency="EUR") == 1990


@pytest.mark.django_db
@pytest.mark.parametrize("table", ["ledger_entry", "ledger_journal", "ledger_account"])
def test_the_books_can_not_be_emptied(table):
    # Off in the test database, where tests are undone by truncating; on everywhere else.
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER ledger_no_truncate")
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            cursor.execute(f"TRUNCATE {table} CASCADE")


@pytest.mark.django_db(transaction=True)
def test_ten_at_once_post_an_event_once_and_open_an_account_once():
    start = Barrier(10)

    def one(_):
        try:
            start.wait(10)
            return post(source="capture", key="1", lines=sale(), description="", now=NOW)
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(one, range(10)))
    assert sum(answer is not None for answer in answers) == 1
    assert Account.objects.count() == 2
    assert queries.balance_of(kind=Kind.PSP_CLEARING, currency="EUR") == 1990
