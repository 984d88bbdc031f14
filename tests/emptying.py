"""Emptying the database after a test that committed.

Django's own way truncates every table, whose files PostgreSQL makes anew, and then writes down all
content types and permissions again: half a second, hundreds of times. Deleting the few rows that a
test left takes some milliseconds.
"""

import functools

from django.core.management import CommandError
from django.db import OperationalError, connection, transaction
from django.test import TransactionTestCase

# What Django writes down after migrating; no test changes it.
_KEPT = {"django_content_type", "auth_permission"}

# It waits for a process of the site that read or wrote the tables in another order.
Busy = (CommandError, OperationalError)

djangos_own_way = TransactionTestCase._fixture_teardown


def empty(case: TransactionTestCase) -> None:
    if not _may_pass_by_triggers():
        return djangos_own_way(case)
    tables = _tables()
    with transaction.atomic(), connection.cursor() as cursor:
        # Who is writing finishes first: what is not committed yet could not be deleted.
        cursor.execute(f"LOCK TABLE {', '.join(tables)} IN SHARE ROW EXCLUSIVE MODE")
        # Neither the books' guards nor foreign keys have a say in it.
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("; ".join(f"DELETE FROM {table}" for table in tables))
        cursor.execute(_FORGET_JOBS)


# The queue's tables are none of Django's. What a worker is doing, it still has to end.
_FORGET_JOBS = """
UPDATE procrastinate_periodic_defers d SET job_id = NULL
FROM procrastinate_jobs j WHERE j.id = d.job_id AND j.status <> 'doing';
DELETE FROM procrastinate_events e
USING procrastinate_jobs j WHERE j.id = e.job_id AND j.status <> 'doing';
DELETE FROM procrastinate_jobs WHERE status <> 'doing'
"""


@functools.cache
def _may_pass_by_triggers() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        return bool(cursor.fetchone()[0])


@functools.cache
def _tables() -> list[str]:
    found = connection.introspection.django_table_names(only_existing=True, include_views=False)
    return sorted(connection.ops.quote_name(name) for name in set(found) - _KEPT)
