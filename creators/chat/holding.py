"""Lines that others don't see yet: held until their time, or withheld until a moderator decides.

    held -> shown (its time has come, or a moderator says so) | rejected
    withheld -> shown | rejected
    rejected -> withheld (the rejection is undone)

Each change is a compare-and-set: of two who judge a line, or of two processes that show it, one
does. The process that took a line shows it on time; when it died, any other's round does.
"""

import heapq
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime
from typing import Final

from django.db import connection, transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from creators.chat.events import ChatHeld, ChatPosted
from creators.chat.models import Message, MessageState
from shops.accounts.models import User
from shops.facts.publishing import publish
from shops.facts.refused import NotFound, Refused

log = logging.getLogger(__name__)

AT_MOST: Final = 500
_WAITING: Final = (MessageState.HELD, MessageState.WITHHELD)


class JudgedAlready(Refused):
    """`state` in the extra is what the line is now."""

    code = "judged_already"
    message = _("Somebody else has decided that already, or its time has come.")


@transaction.atomic
def show_due(*, now: datetime, at_most: int = AT_MOST) -> int:
    """Show the held lines whose time has come, in every show; tell how many they were.

    What another process is just showing is left to it.
    """
    due = list(
        Message.objects.select_for_update(skip_locked=True)
        .filter(state=MessageState.HELD, shown_at__lte=now, deleted_at__isnull=True)
        .order_by("pk")
        .values_list("pk", "piece")[:at_most]
    )
    if not due:
        return 0
    Message.objects.filter(pk__in=[pk for pk, _piece in due]).update(
        state=MessageState.SHOWN, rev=F("rev") + 1
    )
    _tell(due, is_shown=True)
    return len(due)


@transaction.atomic
def judge_held(*, message_id: int, show: bool, by: User, now: datetime) -> Message:
    """Show a waiting line now, or reject it for good; the caller has asked whether `by` may.

    :raises NotFound: there is no such line
    :raises JudgedAlready: it does not wait (any more)
    """
    state = MessageState.SHOWN if show else MessageState.REJECTED
    return _move(message_id, _WAITING, state, now if show else None)


@transaction.atomic
def take_back_rejection(*, message_id: int, now: datetime) -> Message:
    """Let a rejected line wait for a moderator again.

    :raises NotFound: there is no such line
    :raises JudgedAlready: it is not rejected (any more)
    """
    return _move(message_id, (MessageState.REJECTED,), MessageState.WITHHELD, None)


@transaction.atomic
def reject_waiting_of(
    *, user_ids: Collection[int], creator_id: int, piece_id: int | None = None
) -> int:
    """Reject what waits of those who may not write any more; tell how many lines.

    In one piece of a creator's, or without it in all of them.
    """
    waiting = Message.objects.filter(
        author__in=user_ids, piece__creator=creator_id, state=MessageState.HELD
    )
    if piece_id is not None:
        waiting = waiting.filter(piece=piece_id)
    rows = list(waiting.select_for_update(of=("self",)).order_by("pk").values_list("pk", "piece"))
    Message.objects.filter(pk__in=[pk for pk, _piece in rows]).update(
        state=MessageState.REJECTED, rev=F("rev") + 1, shown_at=None
    )
    _tell(rows, is_shown=False)
    return len(rows)


def _move(
    message_id: int,
    before: Collection[MessageState],
    after: MessageState,
    shown_at: datetime | None,
) -> Message:
    moved = Message.objects.filter(pk=message_id, state__in=before).update(
        state=after, shown_at=shown_at, rev=F("rev") + 1
    )
    message = Message.objects.filter(pk=message_id).first()
    if message is None:
        raise NotFound
    if not moved:
        raise JudgedAlready(state=message.state)
    _tell([(message.pk, message.piece_id)], is_shown=after == MessageState.SHOWN)
    return message


def _tell(lines: Iterable[tuple[int, int]], *, is_shown: bool) -> None:
    by_piece: defaultdict[int, list[int]] = defaultdict(list)
    for pk, piece_id in lines:
        by_piece[piece_id].append(pk)
    for piece_id, ids in by_piece.items():
        if is_shown:
            publish(ChatPosted(piece_id=piece_id, message_ids=ids))
        publish(ChatHeld(piece_id=piece_id, message_ids=ids))


class Timetable:
    """Shows held lines when their time comes: one thread, which is there only while any wait."""

    def __init__(self, show: Callable[[], object]) -> None:
        self._show = show
        self._times: list[float] = []
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def show_at(self, at: datetime) -> None:
        due = time.monotonic() + max(0.0, (at - datetime.now(UTC)).total_seconds())
        with self._changed:
            heapq.heappush(self._times, due)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="chat-held", daemon=True)
                self._thread.start()
            self._changed.notify()

    def clear(self) -> None:
        """Forget all times, and wait until the thread has ended."""
        with self._changed:
            self._times.clear()
            thread = self._thread
            self._changed.notify()
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                while self._times and self._times[0] > time.monotonic():
                    self._changed.wait(self._times[0] - time.monotonic())
                if not self._times:
                    self._thread = None
                    return
                now = time.monotonic()
                while self._times and self._times[0] <= now:
                    heapq.heappop(self._times)
            try:
                self._show()
            except Exception:
                # The rounds of all processes look after what is due, too.
                log.exception("held lines were not shown on time")
            finally:
                connection.close()


timetable = Timetable(lambda: show_due(now=datetime.now(UTC)))
