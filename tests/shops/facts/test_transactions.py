"""A whole is undone as one, and its parts need no savepoints."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from shops.catalog.models import Category
from shops.facts.refused import Refused
from shops.facts.transactions import whole

pytestmark = pytest.mark.django_db


@whole
def add(slug, *, then_refuse=False):
    Category.objects.create(slug=slug, name=slug)
    if then_refuse:
        raise Refused


@whole
def add_two(*, then_refuse=False):
    add("one")
    add("two", then_refuse=then_refuse)


@whole
def add_and_go_on():
    add("one")
    try:
        with transaction.atomic():
            add("two", then_refuse=True)
    except Refused:
        add("three")


def slugs():
    return sorted(Category.objects.values_list("slug", flat=True))


def test_its_parts_need_no_savepoint():
    with CaptureQueriesContext(
        connection,
    ) as queries:
        add_two()
    said = [query["sql"].split()[0] for query in queries]
    assert said == ["SAVEPOINT", "INSERT", "INSERT", "RELEASE"]


def test_a_refusal_of_a_part_undoes_the_whole():
    with pytest.raises(Refused):
        add_two(then_refuse=True)
    assert slugs() == []


def test_a_part_in_a_transaction_of_its_own_is_undone_by_itself():
    add_and_go_on()
    assert slugs() == ["one", "three"]


def test_one_after_another_does_not_share_a_whole():
    add("one")
    with pytest.raises(Refused):
        add("two", then_refuse=True)
    assert slugs() == ["one"]


@pytest.mark.django_db(transaction=True)
def test_alone_it_is_a_transaction():
    with pytest.raises(Refused):
        add_two(then_refuse=True)
    assert slugs() == []
    add_two()
    assert slugs() == ["one", "two"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_main", [True, False], ids=["the main thread", "another thread"])
def test_what_failed_before_is_not_called_committed(is_main):
    """PostgreSQL answers COMMIT by ROLLBACK, without an error, where a statement had failed."""

    def lose():
        try:
            with transaction.atomic():
                add("lost")
                with suppress(DatabaseError), connection.cursor() as cursor:
                    cursor.execute("SELECT 1 / 0")
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        there = lose if is_main else pool.submit(lose).result
        with pytest.raises(DatabaseError, match="nothing of it is committed"):
            there()
    assert slugs() == []
    add("kept")
    assert slugs() == ["kept"]
