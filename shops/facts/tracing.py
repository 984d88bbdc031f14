"""Which request or websocket the running code serves, so that its log lines can say so."""

import logging
import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

request_id: Final[ContextVar[str]] = ContextVar("request_id", default="")
connection_id: Final[ContextVar[str]] = ContextVar("connection_id", default="")

# Where a Django request carries its id.
KEY: Final = "liveshop.request_id"
_SANE: Final = re.compile(r"[A-Za-z0-9._-]{8,64}")


def new_id() -> str:
    """Make up an id for a request or a websocket: 16 letters and digits, like nobody else's."""
    # No secret: asking the system for chance takes longer, and lets others have Python's lock.
    return f"{random.getrandbits(64):016x}"


def is_sane(given: str) -> bool:
    """Tell whether an id that somebody else made up may go into our logs and answers."""
    return _SANE.fullmatch(given) is not None


def begin_connection() -> str:
    """Name the websocket that is served from here on in this context (and in its tasks).

    A transport's callbacks that run in another context set `connection_id` to this name again.
    """
    name = new_id()
    connection_id.set(name)
    return name


@contextmanager
def serving(request: str) -> Iterator[None]:
    """Name the request that is served in this block."""
    token = request_id.set(request)
    try:
        yield
    finally:
        request_id.reset(token)


def _id_of(request: object) -> str:
    """Find the id of a request that is answered already; Django logs its failure after that."""
    return str(getattr(request, "META", {}).get(KEY, ""))


class Traced(logging.Filter):
    """Gives each record `request_id` and `connection_id`, and `trace` with what there is of them.

    It stands at handlers, not at loggers: a logger's filters do not see what its children log.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        named = {
            "request": request_id.get() or _id_of(getattr(record, "request", None)),
            "socket": connection_id.get(),
        }
        record.request_id, record.connection_id = named.values()
        record.trace = " ".join(f"{what}={name}" for what, name in named.items() if name) or "-"
        return True
