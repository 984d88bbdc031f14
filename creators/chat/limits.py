"""How fast one person may write: at most 5 lines in 10 seconds, over all shows together.

The state is the messages themselves, in PostgreSQL: exact, shared by all web processes, and lost
with nothing. Callers hold the author's lock (`serialise`), so two tabs can't both pass the check.
"""

from datetime import datetime, timedelta
from typing import Final

from django.db import connection

from creators.chat.models import Message

LINES: Final = 5
WINDOW: Final = timedelta(seconds=10)
# The first key of the two-key advisory locks that this room takes.
_LOCK: Final = 0x63686174


def serialise(*, author_id: int) -> None:
    """Let one transaction at a time write for an author; the lock ends with the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK, author_id % 2**31])


def wait_before_next(*, author_id: int, now: datetime) -> timedelta | None:
    """Return how long an author must wait before the next line; None when they may write."""
    recent = list(
        Message.objects.filter(author_id=author_id, sent_at__gt=now - WINDOW)
        .order_by("-sent_at")
        .values_list("sent_at", flat=True)[:LINES]
    )
    if len(recent) < LINES:
        return None
    return recent[-1] + WINDOW - now
