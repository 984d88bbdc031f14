"""How SQL that stands in the code is sent: by libpq's own calls, each statement prepared.

psycopg's cursors take three times as long for a small statement, and release Python's lock eight
times for each: where there are many threads, every time wakes one up that finds it taken again.
"""

import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from psycopg import Connection, OperationalError, errors
from psycopg._preparing import Prepare
from psycopg._queries import PostgresQuery
from psycopg.abc import Buffer, PQGen
from psycopg.adapt import Transformer
from psycopg.generators import fetch, send
from psycopg.pq import ConnStatus, ExecStatus, Format, TransactionStatus
from psycopg.pq.abc import PGresult

Rows = list[tuple[Any, ...]]

_FINE: Final = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)
_END: Final = ExecStatus.PIPELINE_SYNC
_MAIN: Final = threading.main_thread().ident


class _Bound(NamedTuple):
    """A statement with its values, and how it is called where it is prepared (else "")."""

    name: bytes
    text: bytes
    values: Sequence[Buffer | None] | None
    types: tuple[int, ...]
    formats: Sequence[Format] | None


class Sender:
    """Sends the statements of one connection, and lasts as long as it."""

    def __init__(self, connection: "Connection[Any]") -> None:
        self._connection = connection
        self._pgconn = connection.pgconn
        self._transformer = Transformer(connection)
        self._queries: dict[str, PostgresQuery] = {}

    def send(self, asked: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Rows]:
        """Send statements in one trip; the rows of each.

        Outside a transaction they are one. The beginning of one goes along with its first.

        :raises psycopg.Error: what the first one says that fails; none of the others counts then
        """
        if self._connection._prepared._to_flush:
            # Not while a trip is made up: it may need what another statement of it threw out.
            self._connection.wait(self._connection._prepared.maintain_gen(self._connection))
        begins = (
            not self._connection.autocommit
            and self._pgconn.transaction_status == TransactionStatus.IDLE
        )
        bound = [self._bind(sql, values) for sql, values in asked]
        # The main thread's wait has to end when somebody presses Ctrl-C.
        if len(bound) == 1 and not begins and threading.get_ident() != _MAIN:
            return [self._read(self._ask(bound[0]))]
        found = self._connection.wait(self._in_one_trip(bound, begins=begins))
        # Those behind the one that failed only say that they were not done.
        return [self._read(one) for one in found][begins:]

    def commit(self) -> None:
        """End the transaction, if there is one.

        :raises InFailedSqlTransaction: a statement of it had failed, and somebody passed over that:
            PostgreSQL would undo it all and say nothing
        """
        if self._pgconn.transaction_status == TransactionStatus.INERROR:
            self._connection.rollback()
            raise errors.InFailedSqlTransaction("a statement failed: nothing of it is committed")
        if threading.get_ident() == _MAIN:
            self._connection.commit()
        elif self._pgconn.transaction_status != TransactionStatus.IDLE:
            self._check(self._pgconn.exec_(b"COMMIT"))

    def _bind(self, sql: str, values: Mapping[str, Any]) -> _Bound:
        query = self._queries.get(sql)
        if query is None:
            query = self._queries[sql] = PostgresQuery(self._transformer)
            query.convert(sql, values)
        else:
            query.dump(values)
        name = self._connection._prepared._names.get((query.query, query.types))
        if name is None:
            name = self._prepare(query)
        return _Bound(name, query.query, query.params, query.types, query.formats)

    def _prepare(self, query: PostgresQuery) -> bytes:
        """Have a statement planned, if this connection keeps plans; returns how it is called."""
        prepared = self._connection._prepared
        wanted, name = prepared.get(query, prepare=True)
        if wanted is Prepare.NO:
            return b""
        found = self._pgconn.prepare(name, query.query, query.types)
        self._check(found)
        if key := prepared.maybe_add_to_cache(query, wanted, name):
            # Too many are forgotten, the oldest first: by the next trip.
            prepared.validate(key, wanted, name, [found])
        return name

    def _ask(self, one: _Bound) -> PGresult:
        if one.name:
            # Its signature says that no value may be NULL; libpq has nothing against it.
            return self._pgconn.exec_prepared(one.name, one.values, one.formats)  # type: ignore[arg-type]
        return self._pgconn.exec_params(one.text, one.values, one.types, one.formats)

    def _in_one_trip(self, bound: Sequence[_Bound], *, begins: bool) -> PQGen[list[PGresult]]:
        pgconn = self._pgconn
        found: list[PGresult] = []
        pgconn.enter_pipeline_mode()
        if begins:
            pgconn.send_query_params(self._connection._get_tx_start_command(), None)
        for name, text, values, types, formats in bound:
            if name:
                pgconn.send_query_prepared(name, values, formats)
            else:
                pgconn.send_query_params(text, values, types, formats)
        pgconn.pipeline_sync()
        yield from send(pgconn)
        # Behind the last one may come what the end of the trip, a commit, has to say against it.
        while (one := (yield from fetch(pgconn))) is None or one.status != _END:
            if one is not None:
                found.append(one)
        pgconn.exit_pipeline_mode()
        return found

    def _read(self, result: PGresult) -> Rows:
        self._check(result)
        if not result.nfields:
            return []
        self._transformer.set_pgresult(result)
        return self._transformer.load_rows(0, result.ntuples, tuple)

    def _check(self, result: PGresult) -> None:
        if result.status in _FINE:
            return
        if self._pgconn.status == ConnStatus.BAD:
            message = result.error_message.decode(errors="replace").strip()
            raise OperationalError(message or "the connection is lost")
        raise errors.error_from_result(result)
