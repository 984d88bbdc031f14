"""Several statements in one trip: each as if it were asked by itself."""

import threading

import pytest
from django.db import DataError, IntegrityError, connection, transaction
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
