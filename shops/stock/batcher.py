"""Group commit: what is asked for while one transaction is under way is the next one's batch.

Under a flash sale the lock of one stock row is what everybody waits for. A SKU that many requests
of this process want at once is *hot*: they are handed to one thread with its own connection, which
takes up to `AT_MOST` of them under one lock, commits, and then answers. Nobody marks a SKU; it is
hot while it is wanted so much, and cold again `HOT_SECONDS` later. Other processes have batchers of
their own; the row's lock makes them take turns.

What is answered was committed. What was not answered (the process died, PostgreSQL was away) is
asked for again by the same ids, which is harmless: a hold that exists is found, not made again. The
commit waits for the disk (`synchronous_commit` is on): a hold is a promise, and one fsync for two
hundred of them costs next to nothing.
"""

import contextlib
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as NotYet
from typing import Final, NamedTuple

from django.db import InterfaceError, OperationalError, connection
from django.utils.translation import gettext_lazy as _
from psycopg.errors import LockNotAvailable

from shops.facts.refused import Refused
from shops.stock.reserving import Answer, Ask, Kept, reserve

log = logging.getLogger(__name__)

AT_MOST: Final = 200
MOST_WAITING: Final = 2_000
# After a batch began, the next one waits so long to fill: a transaction for ten costs hardly more
# than one for two.
EVERY_SECONDS: Final = 0.002
# How long a caller waits for an answer, and a batch for the locks that others have.
PATIENCE_SECONDS: Final = 5.0
LOCK_SECONDS: Final = 3.0
# The thread, and with it its connection, ends after so long without a request.
IDLE_SECONDS: Final = 2.0
# Above so many requests at once a SKU is hot, and stays so for a while.
HOT_ABOVE: Final = 3
HOT_SECONDS: Final = 1.0


class Busy(Refused):
    code = "stock_busy"
    message = _("More people want this at once than we can serve. Try again in a moment.")
    status = 503
    retry_after = 1


class Unavailable(Refused):
    """Nothing is known to be kept; the same ids may be asked for again."""

    code = "stock_unavailable"
    message = _("We can't keep goods for you at the moment. Try again.")
    status = 503
    retry_after = 1


Reserve = Callable[[Sequence[Ask], Callable[[list[Answer]], None]], object]


def _reserve_now(asks: Sequence[Ask], then: Callable[[list[Answer]], None]) -> None:
    reserve(asks, then=then, lock_seconds=LOCK_SECONDS)


class _Waiting(NamedTuple):
    ask: Ask
    future: "Future[list[Kept]]"
    until: float


class Batcher:
    """The reservations of one process on their way to PostgreSQL.

    `reserve` is given a batch and what to call with its answers once they are committed.
    """

    def __init__(
        self,
        reserve: Reserve = _reserve_now,
        *,
        at_most: int = AT_MOST,
        most_waiting: int = MOST_WAITING,
        idle_seconds: float = IDLE_SECONDS,
        every_seconds: float = EVERY_SECONDS,
    ) -> None:
        self._reserve = reserve
        self._at_most = at_most
        self._most_waiting = most_waiting
        self._idle_seconds = idle_seconds
        self._every_seconds = every_seconds
        self._start_afresh()

    def _start_afresh(self) -> None:
        """Forget requests and the thread: after a fork they are the parent's."""
        self._next_at = 0.0
        self._waiting: deque[_Waiting] = deque()
        self._changed = threading.Condition(threading.Lock())
        self._thread: threading.Thread | None = None
        self._is_closed = False

    @property
    def waiting(self) -> int:
        """Tell how many requests wait for a transaction that has not begun."""
        return len(self._waiting)

    def submit(self, ask: Ask, *, patience: float = PATIENCE_SECONDS) -> "Future[list[Kept]]":
        """Have units kept; the future has what was committed, or a `Refused`.

        Its callbacks run in the batcher's thread. Never blocks. Who waits longer than `patience`
        seconds for a transaction to begin is refused (Busy) without one.

        :raises Busy: too many requests wait
        """
        future: Future[list[Kept]] = Future()
        one = _Waiting(ask, future, time.monotonic() + patience)
        with self._changed:
            if self._is_closed or len(self._waiting) >= self._most_waiting:
                raise Busy
            self._waiting.append(one)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="stock-batcher", daemon=True)
                self._thread.start()
            elif len(self._waiting) in (1, self._at_most):
                # The thread sleeps until there is a request, or until its next batch is full.
                self._changed.notify()
        return future

    def hold(self, ask: Ask, *, patience: float = PATIENCE_SECONDS) -> list[Kept]:
        """Do as `submit`, and wait for the answer.

        :raises Busy: too many requests wait, or no transaction began in time
        :raises Unavailable: PostgreSQL did not answer in time; the holds may exist or not
        """
        future = self.submit(ask, patience=patience)
        try:
            return future.result(patience)
        except NotYet:
            if future.cancel():
                raise Busy from None
        # Its transaction is under way, and that waits for nobody for long.
        try:
            return future.result(patience)
        except (NotYet, CancelledError):
            raise Unavailable from None

    def close(self) -> None:
        """Take what waits, then no more; returns when the thread has ended."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
            thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        try:
            while batch := self._next():
                self._take(batch)
        finally:
            connection.close()

    def _next(self) -> list[_Waiting]:
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

    def _take(self, batch: Sequence[_Waiting]) -> None:
        """Have a batch reserved and answer everybody in it, whatever happens."""
        now = time.monotonic()
        mine = []
        for one in batch:
            # From here on it can no longer be cancelled: it may be committed.
            if not one.future.set_running_or_notify_cancel():
                continue
            if one.until < now:
                one.future.set_exception(Busy())
            else:
                mine.append(one)
        if not mine:
            return
        refusal = self._reserve_for(mine)
        for one in mine:
            if not one.future.done():
                one.future.set_exception(refusal or Unavailable())

    def _reserve_for(self, batch: Sequence[_Waiting]) -> Refused | None:
        asks = [one.ask for one in batch]
        for is_last in (False, True):
            try:
                self._reserve(asks, lambda answers: _answer(batch, answers))
                return None
            except (OperationalError, InterfaceError) as error:
                # The connection may have died before or after the commit. Its answers were not
                # given, so the batch is asked again: what was committed is found by its ids.
                connection.close()
                if isinstance(error.__cause__, LockNotAvailable):
                    log.warning("%d requests waited too long for a stock row's lock", len(asks))
                    return Busy()
                if is_last:
                    log.warning("%d requests were not reserved: %s", len(asks), error)
            except Exception:
                # Whatever state the connection is in, the next batch has another.
                connection.close()
                log.exception("%d requests were not reserved", len(asks))
                return None
            if all(one.future.done() for one in batch):
                return None
        return None


def _answer(batch: Sequence[_Waiting], answers: Sequence[Answer]) -> None:
    for one, answer in zip(batch, answers, strict=True):
        if isinstance(answer, Refused):
            one.future.set_exception(answer)
        else:
            one.future.set_result(answer)


class Heat:
    """Which SKUs many requests of this process want at this moment."""

    def __init__(self, *, above: int = HOT_ABOVE, seconds: float = HOT_SECONDS) -> None:
        self._above = above
        self._seconds = seconds
        self._start_afresh()

    def _start_afresh(self) -> None:
        self._lock = threading.Lock()
        self._under_way: dict[int, int] = {}
        self._hot_until: dict[int, float] = {}

    def is_hot(self, sku_id: int) -> bool:
        return self._hot_until.get(sku_id, 0.0) > time.monotonic()

    @contextlib.contextmanager
    def visit(self, sku_ids: Collection[int]) -> Iterator[bool]:
        """Count a request for SKUs while it is under way; gives whether one of them is hot."""
        with self._lock:
            now = time.monotonic()
            for sku_id in sku_ids:
                count = self._under_way.get(sku_id, 0) + 1
                self._under_way[sku_id] = count
                if count > self._above:
                    self._hot_until[sku_id] = now + self._seconds
            is_hot = any(self._hot_until.get(sku_id, 0.0) > now for sku_id in sku_ids)
        try:
            yield is_hot
        finally:
            with self._lock:
                for sku_id in sku_ids:
                    self._under_way[sku_id] -= 1
                    if not self._under_way[sku_id]:
                        del self._under_way[sku_id]
                if len(self._hot_until) > 100:
                    now = time.monotonic()
                    self._hot_until = {
                        sku_id: until for sku_id, until in self._hot_until.items() if until > now
                    }


batcher = Batcher()
heat = Heat()


def _after_fork() -> None:
    batcher._start_afresh()
    heat._start_afresh()


os.register_at_fork(after_in_child=_after_fork)


def keep(ask: Ask) -> list[Kept]:
    """Keep units on the quickest way: by itself, or with many others who want the same.

    In a transaction it is always by itself: the caller decides what becomes of that.

    :raises Busy: too many requests wait
    :raises Refused: the answer is no
    """
    if connection.in_atomic_block:
        return _alone(ask)
    with heat.visit({one.sku_id for one in ask.wanted}) as is_hot:
        return batcher.hold(ask) if is_hot else _alone(ask)


def _alone(ask: Ask) -> list[Kept]:
    [answer] = reserve([ask])
    if isinstance(answer, Refused):
        raise answer
    return answer


def submit(ask: Ask, *, patience: float = PATIENCE_SECONDS) -> "Future[list[Kept]]":
    """Have units kept without waiting; the future has the holds or a `Refused`.

    :raises Busy: too many requests wait
    """
    return batcher.submit(ask, patience=patience)
