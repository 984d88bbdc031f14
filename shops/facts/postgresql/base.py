"""The database backend of `settings.DATABASES`: Django's, and two things more.

- A connection of the pool is looked at, not asked, before a request gets it: one that the server
  has closed has something to read. Asking it would be a trip to the database for each request.
- `ask` sends what stands in the code as SQL. Each statement is bound and prepared at the server, so
  that a connection plans it once; several go in one trip; and the cursors are made once for each
  connection: making one, and what Django puts around it, takes longer than what a small statement
  does.
"""

import select
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any, Final, cast

import psycopg
from django.db import NotSupportedError, connection
from django.db.backends.postgresql import base
from psycopg_pool import ConnectionPool

Rows = list[tuple[Any, ...]]
# Where a connection keeps its cursors: it goes from thread to thread, and they with it.
_SINGLE: Final = "_liveshop_single"
_SEVERAL: Final = "_liveshop_several"
_EACH: Final = "_liveshop_each"
# All that stands in the code and more: a plan that is thrown away for another one is made in vain.
_MOST_PREPARED: Final = 500


class DatabaseWrapper(base.DatabaseWrapper):
    def get_new_connection(self, conn_params: dict[str, Any]) -> "psycopg.Connection[Any]":
        while True:
            found: psycopg.Connection[Any] = super().get_new_connection(conn_params)
            found.prepared_max = _MOST_PREPARED
            pool = self.pool
            if pool is None or _is_alive(found):
                return found
            # The pool puts another one in its place.
            found.close()
            pool.putconn(found)

    def ask(self, sql: str, values: Mapping[str, Any]) -> list[Rows]:
        """Send one or several statements in one trip; the rows of each of them."""
        return self._by_fresh_plans(partial(self._ask, sql, values))

    def ask_each(self, asked: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Rows]:
        """Send single statements in one trip; the rows of each."""
        return self._by_fresh_plans(partial(self._ask_each, asked))

    def _by_fresh_plans(self, send: Callable[[], list[Rows]]) -> list[Rows]:
        """Ask anew where a table was altered since this connection planned what is asked.

        In a transaction it is too late for that; its end makes the connection forget its plans.
        """
        try:
            return send()
        except NotSupportedError:
            if self.in_atomic_block:
                raise
            # The pool puts another one in its place.
            self.connection.close()
            self.close()
            return send()

    def _ask(self, sql: str, values: Mapping[str, Any]) -> list[Rows]:
        if self.execute_wrappers or self.queries_logged:
            return self._ask_watched(sql, values)
        if ";" in sql:
            return self._ask_each([(one, values) for one in _statements(sql)])
        self.validate_thread_sharing()
        self.ensure_connection()
        self.validate_no_broken_transaction()
        with self.wrap_database_errors:
            cursor = _kept(self.connection, is_single=True)
            cursor.execute(sql, values)
            return [_rows(cursor)]

    def _ask_each(self, asked: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Rows]:
        if self.execute_wrappers or self.queries_logged:
            return [rows for sql, values in asked for rows in self._ask_watched(sql, values)]
        if len(asked) == 1:
            return self._ask(*asked[0])
        self.validate_thread_sharing()
        self.ensure_connection()
        self.validate_no_broken_transaction()
        cursors = _kept_each(self.connection, len(asked))
        with self.wrap_database_errors:
            with self.connection.pipeline():
                for cursor, (sql, values) in zip(cursors, asked, strict=True):
                    cursor.execute(sql, values)
            return [_rows(cursor) for cursor in cursors]

    def _ask_watched(self, sql: str, values: Mapping[str, Any]) -> list[Rows]:
        """Do as `ask` while somebody counts statements, or looks on: one text is one of them."""
        self.validate_thread_sharing()
        self.ensure_connection()
        self.validate_no_broken_transaction()
        cursor = _kept(self.connection, is_single=";" not in sql)
        with self.wrap_database_errors, self._prepare_cursor(cursor) as watched:  # type: ignore[attr-defined]
            watched.execute(sql, values)
            found = [_rows(cursor)]
            while cursor.nextset():
                found.append(_rows(cursor))
            return found


def ask(sql: str, values: Mapping[str, Any]) -> list[Rows]:
    """Send one or several statements in one trip; the rows of each of them.

    Each begins when the one before has ended, and sees what was committed by then. They are
    prepared where connections last: where there is a pool of our own. No text of a statement has a
    semicolon in it, but between two of them.
    """
    return cast(DatabaseWrapper, connection).ask(sql, values)


def ask_each(asked: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Rows]:
    """Do as `ask` with single statements, each with its own values."""
    return cast(DatabaseWrapper, connection).ask_each(asked)


class _Single(psycopg.Cursor[Any]):
    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        return super().execute(query, params, **{"prepare": True, **options})

    def close(self) -> None:
        """Stay: the next one is asked by it, too."""


class _Several(psycopg.ClientCursor[Any]):
    def close(self) -> None:
        """Stay, as above."""


@cache
def _statements(sql: str) -> list[str]:
    return [one for one in map(str.strip, sql.split(";")) if one]


def _kept(one: "psycopg.Connection[Any]", *, is_single: bool) -> "psycopg.Cursor[Any]":
    name = _SINGLE if is_single else _SEVERAL
    cursor: psycopg.Cursor[Any] | None = one.__dict__.get(name)
    if cursor is None:
        cursor = _Single(one) if is_single else _Several(one)
        setattr(one, name, cursor)
    return cursor


def _kept_each(one: "psycopg.Connection[Any]", count: int) -> "list[psycopg.Cursor[Any]]":
    cursors: list[psycopg.Cursor[Any]] = one.__dict__.setdefault(_EACH, [])
    while len(cursors) < count:
        cursors.append(_Single(one))
    return cursors[:count]


def _rows(cursor: "psycopg.Cursor[Any]") -> Rows:
    result = cursor.pgresult
    return cursor.fetchall() if result is not None and result.nfields else []


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
