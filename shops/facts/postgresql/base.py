"""The database backend of `settings.DATABASES`: Django's, and two things more.

- A request gets the connection of the pool that was used last (`pooled.py`).
- `ask` sends what stands in the code as SQL: each statement is bound and prepared at the server, so
  that a connection plans it once, and several go in one trip (`sending.py`).
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any, Final, TypeVar, cast

import psycopg
from django.db import NotSupportedError, connection
from django.db.backends.utils import CursorWrapper, debug_transaction

from shops.facts.postgresql.pooled import Pooled
from shops.facts.postgresql.sending import Rows, Sender

# Where a connection keeps what sends: it goes from thread to thread.
_SENDER: Final = "_liveshop_sender"
_R = TypeVar("_R")


class DatabaseWrapper(Pooled):
    # How long statements of this thread wait for a lock; None: as long as it takes.
    lock_seconds: float | None = None

    def init_connection_state(self) -> None:
        super().init_connection_state()
        if self.lock_seconds is not None and self.pool is not None:
            self._limit("SET", self.lock_seconds)

    def _set_autocommit(self, autocommit: bool) -> None:
        super()._set_autocommit(autocommit)  # type: ignore[misc]  # django-stubs don't know it
        if not autocommit and self.lock_seconds is not None and self.pool is None:
            # PgBouncer's connections are anybody's: what is set is over with the transaction.
            self._limit("SET LOCAL", self.lock_seconds)

    def _limit(self, how: str, seconds: float) -> None:
        with self.cursor() as cursor:
            cursor.execute(f"{how} lock_timeout = {round(seconds * 1000)}")

    def _close(self) -> None:
        # The pool's next user waits as long as it takes.
        if self.connection is not None and self.lock_seconds is not None and self.pool is not None:
            try:
                self.connection.rollback()
                self.connection.execute("RESET lock_timeout")
            except psycopg.Error:
                self.connection.close()
        super()._close()  # type: ignore[misc]  # django-stubs don't know it

    def ask(self, sql: str, values: Mapping[str, Any]) -> list[Rows]:
        """Send one or several statements in one trip; the rows of each of them."""
        if self.execute_wrappers or self.queries_logged:
            return self._ask_watched(sql, values)
        asked = [(one, values) for one in _statements(sql)]
        return self._by_fresh_plans(partial(self._send, asked))

    def ask_each(self, asked: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Rows]:
        """Send single statements in one trip; the rows of each."""
        if self.execute_wrappers or self.queries_logged:
            return [rows for sql, values in asked for rows in self._ask_watched(sql, values)]
        return self._by_fresh_plans(partial(self._send, asked))

    def _by_fresh_plans(self, send: Callable[[], list[Rows]]) -> list[Rows]:
        """Ask anew where a table was altered since this connection planned what is asked.

        In a transaction it is too late for that; its end makes the connection forget its plans, and
        who began it may do so again (`by_fresh_plans`).
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

    def _send(self, asked: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Rows]:
        self.validate_thread_sharing()
        self.ensure_connection()
        self.validate_no_broken_transaction()
        with self.wrap_database_errors:
            return _sender_of(self.connection).send(asked)

    def _ask_watched(self, sql: str, values: Mapping[str, Any]) -> list[Rows]:
        """Do as `ask` while somebody counts statements, or looks on: one text is one of them."""
        with self.cursor() as cursor:
            cursor.execute(sql, values)
            found = [_rows(cursor)]
            while cursor.nextset():
                found.append(_rows(cursor))
            return found

    def _commit(self) -> None:
        if self.connection is not None:
            with debug_transaction(self, "COMMIT"), self.wrap_database_errors:
                _sender_of(self.connection).commit()


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


def by_fresh_plans(do: Callable[[], _R]) -> _R:
    """Do a whole transaction anew where a table was altered since its statements were planned."""
    try:
        return do()
    except NotSupportedError:
        # What was done is undone, and the plans are forgotten with it.
        return do()


def limit_waits_for_locks(seconds: float) -> None:
    """Have no statement of this thread wait longer for a lock (OperationalError)."""
    cast(DatabaseWrapper, connection).lock_seconds = seconds


def _rows(cursor: CursorWrapper) -> Rows:
    return cursor.fetchall() if cursor.description else []


@cache
def _statements(sql: str) -> list[str]:
    return [one for one in map(str.strip, sql.split(";")) if one]


def _sender_of(connection: "psycopg.Connection[Any]") -> Sender:
    """Give what is kept with a connection, which goes from thread to thread."""
    sender: Sender | None = connection.__dict__.get(_SENDER)
    if sender is None:
        sender = Sender(connection)
        setattr(connection, _SENDER, sender)
    return sender
