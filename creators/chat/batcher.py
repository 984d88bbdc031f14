"""Group commit: what is written while one transaction is under way is the next one's batch.

A lone line waits for nobody. What comes right behind it waits until `EVERY_SECONDS` after that
transaction began: one for three lines costs hardly more than one for a single line.

One thread of its own with its own connection, which ends when nobody writes for a while. What is
answered was committed; what was not answered (the process died, PostgreSQL was away) is still with
its sender, who sends it again by the same client id.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Final

from django.db import InterfaceError, OperationalError, connection
from django.utils.translation import gettext_lazy as _

from creators.chat import metrics
from creators.chat.posting import Draft, NotTaken, Posted, post_batch
from shops.facts.refused import Refused

log = logging.getLogger(__name__)

AT_MOST: Final = 200
MOST_WAITING: Final = 5_000
# Nobody sees a line come so much later; at hundreds of lines a second a batch has several.
EVERY_SECONDS: Final = 0.010
# The thread, and with it its connection, ends after so long without a line.
IDLE_SECONDS: Final = 2.0


class Busy(Refused):
    code = "busy"
    message = _("More is written than we can take. Try again in a moment.")
    status = 503
    retry_after = 1


class Unavailable(Refused):
    code = "unavailable"
    message = _("We can't write that down for the moment. Try again.")
    status = 503
    retry_after = 2


PostBatch = Callable[[Sequence[Draft]], Sequence[Posted | Refused]]


def _post_now(drafts: Sequence[Draft]) -> Sequence[Posted | Refused]:
    return post_batch(drafts, now=datetime.now(UTC), as_kept=True)


class Batcher:
    """The lines of one process on their way to PostgreSQL."""

    def __init__(
        self,
        post: PostBatch = _post_now,
        *,
        at_most: int = AT_MOST,
        most_waiting: int = MOST_WAITING,
        idle_seconds: float = IDLE_SECONDS,
        every_seconds: float = EVERY_SECONDS,
    ) -> None:
        self._post = post
        self._at_most = at_most
        self._most_waiting = most_waiting
        self._idle_seconds = idle_seconds
        self._every_seconds = every_seconds
        self._next_at = 0.0
        self._waiting: deque[tuple[Draft, Future[Posted]]] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_closed = False

    @property
    def waiting(self) -> int:
        """Tell how many lines wait for a transaction that has not begun."""
        return len(self._waiting)

    def submit(self, draft: Draft) -> "Future[Posted]":
        """Have a line written; the future has what was committed, or a `Refused`.

        Its callbacks run in the batcher's thread. Never blocks.

        :raises Busy: too many lines wait
        """
        future: Future[Posted] = Future()
        with self._changed:
            if self._is_closed or len(self._waiting) >= self._most_waiting:
                raise Busy
            self._waiting.append((draft, future))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="chat-batcher", daemon=True)
                self._thread.start()
            elif len(self._waiting) in (1, self._at_most):
                # The thread sleeps until there is a line, or until its next batch is full.
                self._changed.notify()
        return future

    def close(self) -> None:
        """Write what waits, then take no more; returns when the thread has ended."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
            thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        try:
            while batch := self._next():
                self._write(batch)
        finally:
            connection.close()

    def _next(self) -> list[tuple[Draft, "Future[Posted]"]]:
        with self._changed:
            self._changed.wait_for(self._is_full, self._next_at - time.monotonic())
            if not self._waiting and not self._is_closed:
                self._changed.wait(self._idle_seconds)
            if not self._waiting:
                # Whoever submits next starts another thread.
                self._thread = None
                return []
            self._next_at = time.monotonic() + self._every_seconds
            many = min(len(self._waiting), self._at_most)
            return [self._waiting.popleft() for _ in range(many)]

    def _is_full(self) -> bool:
        return self._is_closed or len(self._waiting) >= self._at_most

    def _write(self, batch: list[tuple[Draft, "Future[Posted]"]]) -> None:
        answers = self._answers([draft for draft, _future in batch])
        for (_draft, future), answer in zip(batch, answers, strict=True):
            # A sender who went away may have cancelled; the line stands all the same.
            if not future.set_running_or_notify_cancel():
                continue
            if isinstance(answer, Refused):
                future.set_exception(answer)
            else:
                future.set_result(answer)

    def _answers(self, drafts: list[Draft]) -> Sequence[Posted | Refused]:
        for is_last in (False, True):
            try:
                began = time.perf_counter()
                answers = self._post(drafts)
                metrics.batch(lines=len(drafts), seconds=time.perf_counter() - began)
                return answers
            except (OperationalError, InterfaceError) as error:
                # A connection that the server closed shows itself so; client ids make the second
                # try harmless even if the first was committed.
                connection.close()
                if is_last:
                    log.warning("%d lines were not written: %s", len(drafts), error)
            except Exception:
                # Whatever state the connection is in, the next batch has another.
                connection.close()
                log.exception("%d lines were not written", len(drafts))
                return [NotTaken() for _ in drafts]
        return [Unavailable() for _ in drafts]


batcher = Batcher()
