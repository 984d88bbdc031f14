"""The database backend of `settings.DATABASES`: Django's, and two things more.

- A connection of the pool is looked at, not asked, before a request gets it: one that the server
  has closed has something to read. Asking it would be a trip to the database for each request.
- `plain_cursor` binds values at the server, so that a connection plans a statement only once.
"""

import select
from typing import Any, Self, cast

import psycopg
from django.db import connection
from django.db.backends.postgresql import base
from django.db.backends.utils import CursorWrapper
from psycopg_pool import ConnectionPool


class DatabaseWrapper(base.DatabaseWrapper):
    def get_new_connection(self, conn_params: dict[str, Any]) -> "psycopg.Connection[Any]":
        while True:
            found: psycopg.Connection[Any] = super().get_new_connection(conn_params)
            pool = self.pool
            if pool is None or _is_alive(found):
                return found
            # The pool puts another one in its place.
            found.close()
            pool.putconn(found)

    def plain_cursor(self) -> CursorWrapper:
        self.ensure_connection()
        with self.wrap_database_errors:
            cursor = _Prepared(self.connection)
        return cast(CursorWrapper, self._prepare_cursor(cursor))  # type: ignore[attr-defined]


class _Prepared(psycopg.Cursor[Any]):
    def execute(self, query: Any, params: Any = None, **options: Any) -> Self:
        return super().execute(query, params, prepare=True, **options)


def plain_cursor() -> CursorWrapper:
    """Give a cursor for one statement that stands in the code as SQL, without its values.

    It is prepared where connections last: where there is a pool of our own.
    """
    return cast(DatabaseWrapper, connection).plain_cursor()


def _is_alive(one: "psycopg.Connection[Any]") -> bool:
    look = select.poll()
    look.register(one.fileno(), select.POLLIN)
    if not look.poll(0):
        return True
    # It ended, or the server had something to say: only asking tells.
    try:
        ConnectionPool.check_connection(one)
    except psycopg.OperationalError:
        return False
    return True
