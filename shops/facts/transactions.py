"""One transaction for what is all or nothing, without a savepoint around each of its parts.

Every savepoint is two more trips to the database, and an order has half a dozen of them under the
lock of what it sells.
"""

from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import connection, transaction

_P = ParamSpec("_P")
_R = TypeVar("_R")
# How many savepoints there were when the whole began that we are in; -1: in none.
_depth: ContextVar[int] = ContextVar("depth", default=-1)


def whole(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Run a function in a transaction, all or nothing.

    As a part of another such function it needs no savepoint of its own: that one lets a refusal
    of its parts pass, so everything is undone. Anywhere else, `transaction.atomic` in between
    included, it is what `transaction.atomic` is.
    """

    @wraps(function)
    def in_whole(*arguments: _P.args, **options: _P.kwargs) -> _R:
        if connection.in_atomic_block and _depth.get() == len(connection.savepoint_ids):
            return function(*arguments, **options)
        with transaction.atomic():
            before = _depth.set(len(connection.savepoint_ids))
            try:
                return function(*arguments, **options)
            finally:
                _depth.reset(before)

    return in_whole
