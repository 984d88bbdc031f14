"""Plain SQL where every order passes: making a queryset's SQL takes longer than what it asks for.

What is asked stands in the `statements.py` of its room; its rows are models all the same.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, partial
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Model

_M = TypeVar("_M", bound=Model)


@cache
def columns(model: type[Model], alias: str) -> str:
    """List a model's columns for a SELECT or RETURNING, in the order in which `models` wants them.

    Made of what stands in the code, so that it can be put into a statement.
    """
    return ", ".join(f'{alias}."{field.column}"' for field in model._meta.concrete_fields)


def models(model: type[_M], rows: Iterable[Sequence[Any]]) -> list[_M]:
    """Make models of rows that begin with `columns`; what follows these is left out."""
    names, converters = _shape(model)
    found = []
    for row in rows:
        values = list(row[: len(names)])
        for place, convert in converters:
            values[place] = convert(values[place])
        found.append(model.from_db(connection.alias, names, values))
    return found


def ask(sql: str, values: Mapping[str, Any]) -> list[list[Any]]:
    """Send one or several statements in one trip; the rows of each of them.

    Each statement sees what was committed before it began: one that follows a lock sees what was
    written by whoever held that before.
    """
    found = []
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        while True:
            found.append(cursor.fetchall() if cursor.description else [])
            if not cursor.nextset():
                return found


@cache
def _shape(
    model: type[Model],
) -> tuple[list[str], list[tuple[int, Callable[[Any], Any]]]]:
    """Name a model's fields, and say how those are read that are not as the database gives them."""
    fields = model._meta.concrete_fields
    converters: list[tuple[int, Callable[[Any], Any]]] = [
        (place, partial(convert, expression=None, connection=connection))
        for place, field in enumerate(fields)
        if (convert := getattr(field, "from_db_value", None)) is not None
    ]
    return [str(field.attname) for field in fields], converters
