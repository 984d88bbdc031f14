"""Several statements in one trip: each as if it were asked by itself."""

import threading
from datetime import UTC, datetime

import pytest
from django.db import DataError, IntegrityError, OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext

from shops.accounts.models import User
from shops.facts.rows import ask, ask_each
from tests.factories.accounts import UserFactory


@pytest.mark.django_db
def test_each_statement_has_its_own_rows_and_takes_the_values_that_it_names():
    sql = """
        SELECT %(a)s::int;
        UPDATE accounts_user SET id = id WHERE id < 0;
        SELECT 1, %(b)s WHERE %(a)s::int > 5;
    """
    values = {"a": 7, "b": "ä; '\"%"}
    rows = [[(7,)], [], [(1, "ä; '\"%")]]
    assert ask(sql, values) == rows
    with CaptureQueriesContext(connection) as asked:
        assert ask(sql, values) == rows
    assert len(asked) == 1
    assert ask_each([("SELECT %(a)s::int", {"a": 1}), ("SELECT %(a)s::int", {"a": 2})]) == [
        [(1,)],
        [(2,)],
    ]


@pytest.mark.django_db
def test_when_one_fails_nothing_of_it_was_done_and_the_connection_goes_on():
    UserFactory(display_name="before")
    sql = "UPDATE accounts_user SET display_name = 'after'; SELECT %(by)s / 0; SELECT 1"
    with pytest.raises(DataError), transaction.atomic():
        ask(sql, {"by": 1})
    assert ask("SELECT display_name FROM accounts_user; SELECT 2", {}) == [[("before",)], [(2,)]]


@pytest.mark.django_db(transaction=True)
def test_without_a_transaction_they_are_all_or_nothing_too():
    UserFactory(display_name="before")
    with pytest.raises(DataError):
        ask("UPDATE accounts_user SET display_name = 'after'; SELECT 1 / 0", {})
    assert User.objects.get().display_name == "before"
    with pytest.raises(IntegrityError):
        ask("INSERT INTO accounts_user SELECT * FROM accounts_user; SELECT 1", {})
    assert User.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_what_comes_behind_a_lock_sees_what_was_written_by_whoever_had_it():
    user = UserFactory(display_name="before")
    sql = (
        "SELECT id FROM accounts_user WHERE id = %(user)s FOR UPDATE;"
        "SELECT display_name FROM accounts_user WHERE id = %(user)s"
    )
    found = []

    def look():
        try:
            found.extend(ask(sql, {"user": user.pk})[1])
        finally:
            connection.close()

    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(display_name="after")
        thread = threading.Thread(target=look)
        thread.start()
        thread.join(0.2)
        assert not found
    thread.join(10)
    assert found == [("after",)]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("sql", ["SELECT name FROM altered", "SELECT name FROM altered; SELECT 1"])
def test_what_was_planned_before_a_table_was_altered_is_planned_anew(sql):
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE altered (name varchar(5)); INSERT INTO altered VALUES ('a')")
    try:
        # As where there is a pool.
        connection.connection.prepare_threshold = 5
        before = ask(sql, {})

        def alter():
            with connection.cursor() as cursor:
                cursor.execute("ALTER TABLE altered ALTER name TYPE varchar(9)")
            connection.close()

        migration = threading.Thread(target=alter)
        migration.start()
        migration.join()

        assert ask(sql, {}) == before
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE altered")


@pytest.fixture(params=[None, 5], ids=["unprepared", "prepared"])
def threshold(request, transactional_db):
    """Have statements sent by a thread of their own, as requests do, prepared or not."""
    return request.param


def _in_thread(threshold, do):
    """Do something in a thread with a connection of its own; returns what it returns."""
    found = []

    def run():
        try:
            connection.ensure_connection()
            connection.connection.prepare_threshold = threshold
            found.append(do())
        except Exception as error:
            found.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(10)
    [one] = found
    return one


def test_values_come_back_as_they_went(threshold):
    sql = "SELECT %(a)s::bigint, %(b)s::text, %(c)s::timestamptz, %(d)s::int[], '%%', %(e)s::uuid"
    values = {
        "a": 2**40,
        "b": "ä; '\"%",
        "c": datetime(2026, 5, 6, tzinfo=UTC),
        "d": [1, 2],
        "e": None,
    }
    row = (2**40, "ä; '\"%", datetime(2026, 5, 6, tzinfo=UTC), [1, 2], "%", None)
    small = {**values, "a": 1, "c": None}

    def look():
        return [ask_each([(sql, values), (sql, small)]), ask_each([(sql, values)])]

    assert _in_thread(threshold, look) == [[[row], [(1, row[1], None, *row[3:])]], [[row]]]


def test_what_began_with_the_first_statement_is_undone_with_the_others(threshold):
    UserFactory(display_name="before")
    change = "UPDATE accounts_user SET display_name = 'after'"

    def fail():
        with transaction.atomic():
            ask(change, {})
            ask("SELECT 1 / 0", {})

    assert isinstance(_in_thread(threshold, fail), DataError)
    assert User.objects.get().display_name == "before"

    def change_it():
        with transaction.atomic():
            ask(change, {})
            ask("SELECT 1", {})
        # Committed, and what comes next is a transaction of its own.
        return ask("SELECT pg_current_xact_id_if_assigned() IS NULL", {})

    assert _in_thread(threshold, change_it) == [[(True,)]]
    assert User.objects.get().display_name == "after"


def test_what_only_the_commit_finds_is_said_too(threshold):
    """A foreign key is looked at when the transaction ends: that of a trip, at the trip's end."""
    user = UserFactory()
    sql = (
        "INSERT INTO accounts_grant (user_id, role, granted_at)"
        " VALUES (%(user)s, 'operator', now())"
    )
    asked = [(sql, {"user": user.pk}), (sql.replace("operator", "support"), {"user": user.pk + 1})]

    def after():
        with pytest.raises(IntegrityError):
            ask_each(asked)
        with pytest.raises(IntegrityError), transaction.atomic():
            ask_each(asked)
        with pytest.raises(IntegrityError):
            ask(*asked[1])
        return ask("SELECT count(*) FROM accounts_grant; SELECT 1", {})

    assert _in_thread(threshold, after) == [[(0,)], [(1,)]]


def test_a_connection_that_is_lost_is_an_operational_error_and_the_next_one_is_fine(threshold):
    end = "SELECT pg_terminate_backend(pg_backend_pid())"

    def lose(sql):
        with pytest.raises(OperationalError):
            ask(sql, {})
        connection.close()
        connection.connect()
        return ask("SELECT 1", {})

    for sql in (end, f"SELECT 2; {end}; SELECT 3"):
        assert _in_thread(threshold, lambda sql=sql: lose(sql)) == [[(1,)]]
