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
from concurrent.futures import Future
from functools import partial
from queue import Empty, SimpleQueue
from typing import Final

from django.db import InterfaceError, OperationalError, connection
from django.utils.translation import gettext_lazy as _
from psycopg.errors import LockNotAvailable

from shops.facts.refused import Refused
from shops.stock.reserving import Answer, Ask, Kept, reserve
from shops.stock.telling import teller

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
    reserve(asks, then=then, show=teller.tell, lock_seconds=LOCK_SECONDS)


class Waiting:
    """A request in the queue; `tell` is called once, in the batcher's thread, with its answer."""

    __slots__ = ("ask", "is_taken", "is_told", "tell", "until")

    def __init__(self, ask: Ask, tell: Callable[[Answer], object], until: float) -> None:
        self.ask = ask
        self.tell = tell
        self.until = until
        self.is_taken = False
        self.is_told = False

    def answer(self, answer: Answer) -> None:
        self.is_told = True
        try:
            self.tell(answer)
        except Exception:
            # The others of its batch, and the thread, have nothing to do with that.
            log.exception("a request could not be answered")


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
        self.start_afresh()

    def start_afresh(self) -> None:
        """Forget requests and the thread: after a fork they are the parent's."""
        self._next_at = 0.0
        self._waiting: deque[Waiting] = deque()
        self._changed = threading.Condition(threading.Lock())
        self._thread: threading.Thread | None = None
        self._is_closed = False

    @property
    def waiting(self) -> int:
        """Tell how many requests wait for a transaction that has not begun."""
        return len(self._waiting)

    def put(
        self,
        ask: Ask,
        tell: Callable[[Answer], object],
        *,
        patience: float = PATIENCE_SECONDS,
    ) -> Waiting:
        """Have units kept and be told in the batcher's thread, once, when that is committed.

        Never blocks; `tell` must not, either. Who waits longer than `patience` seconds for a
        transaction to begin is told that we are busy (Busy), without one.

        :raises Busy: too many requests wait
        """
        one = Waiting(ask, tell, time.monotonic() + patience)
        with self._changed:
            if self._is_closed or len(self._waiting) >= self._most_waiting:
                raise Busy
            self._waiting.append(one)
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="stock-batcher", daemon=True)
                try:
                    thread.start()
                except RuntimeError:
                    # The system has no thread for us now; it may have one for the next.
                    self._waiting.remove(one)
                    raise Busy from None
                self._thread = thread
            elif len(self._waiting) in (1, self._at_most):
                # The thread sleeps until there is a request, or until its next batch is full.
                self._changed.notify()
        return one

    def withdraw(self, one: Waiting) -> bool:
        """Take a request back; False when its transaction has begun: it may be committed."""
        with self._changed:
            if one.is_taken:
                return False
            self._waiting.remove(one)
            return True

    def submit(self, ask: Ask, *, patience: float = PATIENCE_SECONDS) -> "Future[list[Kept]]":
        """Do as `put`; the future has what was committed, or a `Refused`.

        :raises Busy: too many requests wait
        """
        future: Future[list[Kept]] = Future()
        self.put(ask, partial(_fulfil, future), patience=patience)
        return future

    def hold(self, ask: Ask, *, patience: float = PATIENCE_SECONDS) -> list[Kept]:
        """Do as `put`, and wait for the answer.

        :raises Busy: too many requests wait, or no transaction began in time
        :raises Unavailable: PostgreSQL did not answer in time; the holds may exist or not
        """
        answers: SimpleQueue[Answer] = SimpleQueue()
        one = self.put(ask, answers.put, patience=patience)
        try:
            answer = answers.get(timeout=patience)
        except Empty:
            if self.withdraw(one):
                raise Busy from None
            # Its transaction is under way, and that waits for nobody for long.
            try:
                answer = answers.get(timeout=patience)
            except Empty:
                raise Unavailable from None
        if isinstance(answer, Refused):
            raise answer
        return answer

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

    def _next(self) -> list[Waiting]:
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
            batch = [self._waiting.popleft() for _ in range(many)]
            for one in batch:
                one.is_taken = True
            return batch

    def _is_full(self) -> bool:
        return self._is_closed or len(self._waiting) >= self._at_most

    def _take(self, batch: Sequence[Waiting]) -> None:
        """Have a batch reserved and answer everybody in it, whatever happens."""
        now = time.monotonic()
        mine = [one for one in batch if one.until >= now]
        refusal = self._reserve_for(mine) if mine else None
        for one in batch:
            if not one.is_told:
                one.answer(Busy() if one.until < now else refusal or Unavailable())

    def _reserve_for(self, batch: Sequence[Waiting]) -> Refused | None:
        asks = [one.ask for one in batch]
        for is_last in (False, True):
            try:
                self._reserve(asks, partial(_answer, batch))
                return None
            except (OperationalError, InterfaceError) as error:
                connection.close()
                if isinstance(error.__cause__, LockNotAvailable):
                    log.warning("%d requests waited too long for a stock row's lock", len(asks))
                    return Busy()
                # The connection died before or after the commit. Nobody was answered, so the batch
                # is asked again: what was committed is found by its ids.
                if is_last:
                    log.warning("%d requests were not reserved: %s", len(asks), error)
            except Exception:
                # Whatever state the connection is in, the next batch has another.
                connection.close()
                if len(batch) > 1:
                    return self._reserve_each(batch)
                log.exception("a request was not reserved")
                return None
            if batch[0].is_told:
                return None
        return None

    def _reserve_each(self, batch: Sequence[Waiting]) -> Refused | None:
        """Take the requests of a batch that failed one by one: only its cause is refused."""
        for one in batch:
            if not one.is_told and (refusal := self._reserve_for([one])):
                return refusal
        return None


def _answer(batch: Sequence[Waiting], answers: Sequence[Answer]) -> None:
    for one, answer in zip(batch, answers, strict=True):
        one.answer(answer)


def _fulfil(future: "Future[list[Kept]]", answer: Answer) -> None:
    # Who asked may have gone away and cancelled; the holds stand all the same.
    if not future.set_running_or_notify_cancel():
        return
    if isinstance(answer, Refused):
        future.set_exception(answer)
    else:
        future.set_result(answer)


class Heat:
    """Which SKUs many requests of this process want at this moment."""

    def __init__(self, *, above: int = HOT_ABOVE, seconds: float = HOT_SECONDS) -> None:
        self._above = above
        self._seconds = seconds
        self.start_afresh()

    def start_afresh(self) -> None:
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
    batcher.start_afresh()
    heat.start_afresh()


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
