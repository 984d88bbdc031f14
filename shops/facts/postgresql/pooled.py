"""The pool's connections, as a request gets them.

- The one that was used last is used next: it and the server's process behind it are warm. By turns,
  a request takes either of them up to three times as long, and each connection plans everything.
- It is looked at, not asked, before: one that the server has closed has something to read. Asking
  it would be a trip to the database for each request.
"""

import select
from typing import Any, Final

import psycopg
from django.db.backends.postgresql import base
from psycopg_pool import ConnectionPool

# All that stands in the code and more: a plan that is thrown away for another one is made in vain.
_MOST_PREPARED: Final = 500


class LastUsedFirst(ConnectionPool["psycopg.Connection[Any]"]):
    """psycopg's, where the others stay in their order: what rests longest is given up first."""

    def _get_ready_connection(self, timeout: float | None) -> "psycopg.Connection[Any] | None":
        # The last one goes to the place from which one is taken.
        self._pool.rotate(1)
        return super()._get_ready_connection(timeout)


class Pooled(base.DatabaseWrapper):
    @property
    def pool(self) -> "ConnectionPool[psycopg.Connection[Any]] | None":
        found: ConnectionPool[psycopg.Connection[Any]] | None = super().pool
        if found is not None and type(found) is not LastUsedFirst:
            # Django makes one of psycopg's own kind, and ours differs in nothing else.
            found.__class__ = LastUsedFirst
        return found

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
