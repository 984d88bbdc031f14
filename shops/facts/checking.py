"""What the rooms' checks stand on: rows are streamed, so that big tables can be looked through."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from django.db import connection

# Gets the database's clock and yields a sentence for each thing that is off.
Check = Callable[[datetime], Iterator[str]]

_PIECE: Final = 500


def sentences(template: str, sql: str, values: Mapping[str, Any] | None = None) -> Iterator[str]:
    """Yield a sentence for each row that a query finds; the template's fields are the columns.

    Call it in a transaction: the rows come through a cursor of the server's.
    """
    with connection.chunked_cursor() as cursor:
        cursor.execute(sql, values)
        while rows := cursor.fetchmany(_PIECE):
            for row in rows:
                yield template.format(*row)
