"""Plain SQL where every order passes: making a queryset's SQL takes longer than what it asks for.

What is asked stands in the `statements.py` of its room; its rows are models all the same.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, partial
from typing import Any, TypeVar

import msgspec
from django.db import connection
from django.db.models import AutoField, Model
from django.db.models.base import ModelState

from shops.facts.postgresql import base

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
    alias = connection.alias
    found = []
    for row in rows:
        # Django's own way tells signals of each, which nobody listens to, and takes twice as long.
        one = model.__new__(model)
        held = vars(one)
        held.update(zip(names, row, strict=False))
        for name, convert in converters:
            held[name] = convert(held[name])
        state = ModelState()
        state.adding, state.db = False, alias
        one._state = state
        found.append(one)
    return found


def joined(rows: Iterable[Sequence[Any]], *kinds: type[Model]) -> list[tuple[Any, ...]]:
    """Make models of rows that consist of the `columns` of several; None for who is not there."""
    widths = [len(kind._meta.concrete_fields) for kind in kinds]
    found = []
    for row in rows:
        start, parts = 0, []
        for kind, width in zip(kinds, widths, strict=True):
            piece = row[start : start + width]
            # The key is the first column of all models.
            parts.append(None if piece[0] is None else models(kind, [piece])[0])
            start += width
        found.append(tuple(parts))
    return found


def insert(*groups: Sequence[Model]) -> None:
    """Write new rows of several tables in one trip, each group's of one; their ids stay unread."""
    sql, values = [], {}
    for members in filter(None, groups):
        model = type(members[0])
        table = model._meta.db_table
        sql.append(inserting(model, table))
        values[table] = written(model, members)
    ask(";".join(sql), values)


@cache
def inserting(model: type[Model], name: str) -> str:
    """Make the statement that inserts new rows of a model, as `one`, in the order of a list.

    What follows of it can be added: a condition on `one`, its order by `ordinality` (else a
    condition may mix the rows), what to do at a conflict. The value of this name is the list, as
    `written` writes it.
    """
    fields = [field for field in model._meta.concrete_fields if not isinstance(field, AutoField)]
    table = model._meta.db_table
    names = ", ".join(f'"{field.column}"' for field in fields)
    types = ", ".join(f'"{field.column}" {field.db_type(connection)}' for field in fields)
    return (
        f'INSERT INTO "{table}" ({names}) SELECT {names}'  # noqa: S608  # names of a model
        f" FROM ROWS FROM (jsonb_to_recordset(%({name})s::jsonb) AS ({types}))"
        " WITH ORDINALITY AS one"
    )


def written(model: type[Model], members: Iterable[Model]) -> str:
    """Write new rows of a model as JSON, without the ids that the database gives them."""
    names = _written(model)
    rows = [{column: getattr(one, name) for name, column in names} for one in members]
    return msgspec.json.encode(rows, enc_hook=_plain).decode()


def _plain(value: object) -> str:
    # A subclass of text (a lazy or a safe one) becomes what it says.
    return str.__str__(str(value))


def ask(sql: str, values: Mapping[str, Any]) -> list[list[Any]]:
    """Send one or several statements in one trip; the rows of each of them.

    Each statement sees what was committed before it began: one that follows a lock sees what was
    written by whoever held that before.
    """
    return base.ask(sql, values)


def ask_each(asked: Sequence[tuple[str, Mapping[str, Any]]]) -> list[list[Any]]:
    """Send several statements with rows in one trip, as `ask`, and have each of them prepared."""
    return base.ask_each(asked)


@cache
def _shape(
    model: type[Model],
) -> tuple[list[str], list[tuple[str, Callable[[Any], Any]]]]:
    """Name a model's fields, and say how those are read that are not as the database gives them."""
    fields = model._meta.concrete_fields
    converters: list[tuple[str, Callable[[Any], Any]]] = [
        (str(field.attname), partial(convert, expression=None, connection=connection))
        for field in fields
        if (convert := getattr(field, "from_db_value", None)) is not None
    ]
    return [str(field.attname) for field in fields], converters


@cache
def _written(model: type[Model]) -> list[tuple[str, str]]:
    return [
        (str(field.attname), str(field.column))
        for field in model._meta.concrete_fields
        if not isinstance(field, AutoField)
    ]
