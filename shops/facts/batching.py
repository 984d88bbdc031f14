"""Group commit: what is asked for while one transaction is under way is the next one's batch.

A transaction for two hundred costs hardly more than one for ten: one round trip of each statement,
one plan, one wait for the disk. So whoever asks for what many others want at this moment hands it
to one thread with its own connection, which takes up to `AT_MOST` of them in one transaction,
commits, and then answers. What several want is *hot* (`Heat`); who is alone goes without a thread.

What is answered was committed. What was not answered (the process died, PostgreSQL was away) is
asked for again, so every ask must be harmless when it comes twice. One that makes its batch fail
is refused alone; the others of it are not.
"""

import contextlib
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, Final, Generic, TypeVar
from weakref import WeakSet

from django.db import InterfaceError, NotSupportedError, OperationalError, connection
from django.utils.translation import gettext_lazy as _
from psycopg.errors import LockNotAvailable

from shops.facts.postgresql.base import by_fresh_plans, limit_waits_for_locks
from shops.facts.refused import Refused

log = logging.getLogger(__name__)

AT_MOST: Final = 200
MOST_WAITING: Final = 2_000
# After a batch began, the next one waits so long to fill.
EVERY_SECONDS: Final = 0.002
# How long a batch waits for a lock: all who come behind it wait, too.
LOCK_SECONDS: Final = 3.0
# How long a caller waits for an answer.
PATIENCE_SECONDS: Final = 5.0
# The thread and its connection end after so long without a request.
IDLE_SECONDS: Final = 2.0
# What more than so many ask for at once is hot, and stays so for a while.
HOT_ABOVE: Final = 3
HOT_SECONDS: Final = 1.0

A = TypeVar("A")
R = TypeVar("R")


class Busy(Refused):
    code = "busy"
    message = _("More is asked of us at once than we can do. Try again in a moment.")
    status = 503
    retry_after = 1


class Unavailable(Refused):
    """Nothing is known to be done; the same may be asked for again."""

    code = "unavailable"
    message = _("We can't do this at the moment. Try again.")
    status = 503
    retry_after = 1


@dataclass(eq=False, slots=True)
class Waiting(Generic[A, R]):
    """A request in the queue; `tell` is called once, in the batcher's thread, with its answer."""

    ask: A
    tell: Callable[[R | Refused], object]
    until: float
    is_taken: bool = False
    is_told: bool = False

    def answer(self, answer: R | Refused) -> None:
        self.is_told = True
        try:
            self.tell(answer)
        except Exception:
            # The others of its batch, and the thread, have nothing to do with that.
            log.exception("a request could not be answered")


Take = Callable[[Sequence[A], Callable[[Sequence[R | Refused]], None]], object]


class Batcher(Generic[A, R]):
    """What is asked of one process on its way to PostgreSQL.

    `take` is given a batch and what to call with its answers once they are committed; `busy` and
    `unavailable` are how it says that it can't, `failed` that a mistake of ours is why.
    """

    def __init__(
        self,
        take: Take[A, R],
        *,
        name: str,
        busy: type[Refused] = Busy,
        unavailable: type[Refused] = Unavailable,
        failed: type[Refused] | None = None,
        at_most: int = AT_MOST,
        most_waiting: int = MOST_WAITING,
        idle_seconds: float = IDLE_SECONDS,
        every_seconds: float = EVERY_SECONDS,
    ) -> None:
        self._do = take
        self._name = name
        self._busy = busy
        self._unavailable = unavailable
        self._failed = failed or unavailable
        self._at_most = at_most
        self._most_waiting = most_waiting
        self._idle_seconds = idle_seconds
        self._every_seconds = every_seconds
        self.start_afresh()
        _all.add(self)

    def start_afresh(self) -> None:
        """Forget requests and the thread: after a fork they are the parent's."""
        self._next_at = 0.0
        self._waiting: deque[Waiting[A, R]] = deque()
        self._changed = threading.Condition(threading.Lock())
        self._thread: threading.Thread | None = None
        self._is_closed = False

    @property
    def waiting(self) -> int:
        """Tell how many requests wait for a transaction that has not begun."""
        return len(self._waiting)

    def put(
        self,
        ask: A,
        tell: Callable[[R | Refused], object],
        *,
        patience: float = PATIENCE_SECONDS,
    ) -> Waiting[A, R]:
        """Have it done and be told in the batcher's thread, once, when that is committed.

        Never blocks; `tell` must not, either. Who waits longer than `patience` seconds for a
        transaction to begin is told that we are busy (Busy), without one.

        :raises Busy: too many requests wait
        """
        one: Waiting[A, R] = Waiting(ask, tell, time.monotonic() + patience)
        with self._changed:
            if self._is_closed or len(self._waiting) >= self._most_waiting:
                raise self._busy
            self._waiting.append(one)
            if self._thread is None:
                try:
                    self._begin()
                except RuntimeError:
                    self._waiting.remove(one)
                    raise self._busy from None
            elif len(self._waiting) in (1, self._at_most):
                # It sleeps until there is a request, or until its next batch is full.
                self._changed.notify()
        return one

    def withdraw(self, one: Waiting[A, R]) -> bool:
        """Take a request back; False when its transaction has begun: it may be committed."""
        with self._changed:
            if one.is_taken:
                return False
            self._waiting.remove(one)
            return True

    def submit(self, ask: A, *, patience: float = PATIENCE_SECONDS) -> "Future[R]":
        """Do as `put`; the future has what was committed, or a `Refused`.

        :raises Busy: too many requests wait
        """
        future: Future[R] = Future()
        self.put(ask, partial(_fulfil, future), patience=patience)
        return future

    def wait_for(self, ask: A, *, patience: float = PATIENCE_SECONDS) -> R:
        """Do as `put`, and wait for the answer.

        :raises Busy: too many requests wait, or no transaction began in time
        :raises Unavailable: PostgreSQL did not answer in time; it may have been done or not
        """
        answers: SimpleQueue[R | Refused] = SimpleQueue()
        one = self.put(ask, answers.put, patience=patience)
        try:
            answer = answers.get(timeout=patience)
        except Empty:
            if self.withdraw(one):
                raise self._busy from None
            # Its transaction is under way, and that waits for nobody for long.
            try:
                answer = answers.get(timeout=patience)
            except Empty:
                raise self._unavailable from None
        if isinstance(answer, Refused):
            raise answer
        return answer

    def close(self) -> None:
        """Take what waits, then no more; returns when the thread has ended."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
            thread = self._thread
        while thread is not None:
            thread.join()
            thread = self._thread

    def _begin(self) -> None:
        thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        thread.start()
        self._thread = thread

    def _run(self) -> None:
        limit_waits_for_locks(LOCK_SECONDS)
        try:
            while batch := self._next():
                self._take(batch)
        except BaseException:
            # Who waits, or comes next, has another thread.
            with self._changed:
                self._thread = None
                if self._waiting:
                    self._begin()
            raise
        finally:
            connection.close()

    def _next(self) -> list[Waiting[A, R]]:
        with self._changed:
            self._changed.wait_for(self._is_full, self._next_at - time.monotonic())
            if not self._waiting and not self._is_closed:
                self._changed.wait(self._idle_seconds)
            if not self._waiting:
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

    def _take(self, batch: Sequence[Waiting[A, R]]) -> None:
        """Have a batch done and answer everybody in it, whatever happens."""
        now = time.monotonic()
        mine = [one for one in batch if one.until >= now]
        refusal = self._unavailable
        try:
            refusal = (mine and self._take_all(mine)) or refusal
        finally:
            for one in batch:
                if not one.is_told:
                    one.answer(self._busy() if one.until < now else refusal())

    def _take_all(self, batch: Sequence[Waiting[A, R]]) -> type[Refused] | None:
        for is_last in (False, True):
            try:
                self._do([one.ask for one in batch], partial(_answer, batch))
                return None
            except (OperationalError, InterfaceError, NotSupportedError) as error:
                connection.close()
                if isinstance(error.__cause__, LockNotAvailable):
                    log.warning("%s: %d waited too long for a lock", self._name, len(batch))
                    return self._busy
                # It died before or after the commit, or had old plans. Nobody was answered, so all
                # are asked again: what was committed is found then.
                if is_last:
                    log.warning("%s: %d were not done: %s", self._name, len(batch), error)
            except Exception:
                # Whatever state the connection is in, the next batch has another.
                connection.close()
                if len(batch) > 1:
                    return self._take_halves(batch)
                log.exception("%s: one was not done", self._name)
                if not batch[0].is_told:
                    batch[0].answer(self._failed())
            if batch[0].is_told:
                return None
        return self._unavailable

    def _take_halves(self, batch: Sequence[Waiting[A, R]]) -> type[Refused] | None:
        """Take the halves of a batch that failed, and theirs: only its cause is refused."""
        left = [one for one in batch if not one.is_told]
        for half in (left[: len(left) // 2], left[len(left) // 2 :]):
            if half and (refusal := self._take_all(half)):
                return refusal
        return None


def _answer(batch: Sequence[Waiting[A, R]], answers: Sequence[R | Refused]) -> None:
    for one, answer in zip(batch, answers, strict=True):
        one.answer(answer)


def _fulfil(future: "Future[R]", answer: R | Refused) -> None:
    # Who asked may have gone away and cancelled; what was done stands all the same.
    if not future.set_running_or_notify_cancel():
        return
    if isinstance(answer, Refused):
        future.set_exception(answer)
    else:
        future.set_result(answer)


class Heat:
    """What is asked for by many of this process at this moment, by any key."""

    def __init__(self, *, above: int = HOT_ABOVE, seconds: float = HOT_SECONDS) -> None:
        self._above = above
        self._seconds = seconds
        self.start_afresh()
        _all.add(self)

    def start_afresh(self) -> None:
        self._lock = threading.Lock()
        self._under_way: dict[Hashable, int] = {}
        self._hot_until: dict[Hashable, float] = {}

    def is_hot(self, key: Hashable) -> bool:
        return self._hot_until.get(key, 0.0) > time.monotonic()

    @contextlib.contextmanager
    def visit(self, keys: Collection[Hashable]) -> Iterator[bool]:
        """Count a request for keys while it is under way; gives whether one of them is hot."""
        with self._lock:
            now = time.monotonic()
            for key in keys:
                count = self._under_way.get(key, 0) + 1
                self._under_way[key] = count
                if count > self._above:
                    self._hot_until[key] = now + self._seconds
            is_hot = any(self._hot_until.get(key, 0.0) > now for key in keys)
        try:
            yield is_hot
        finally:
            with self._lock:
                for key in keys:
                    self._under_way[key] -= 1
                    if not self._under_way[key]:
                        del self._under_way[key]
                if len(self._hot_until) > 100:
                    now = time.monotonic()
                    left = {key: end for key, end in self._hot_until.items() if end > now}
                    self._hot_until = left


def together(
    ask: A,
    *,
    batcher: Batcher[A, R],
    heat: Heat,
    keys: Collection[Hashable],
    alone: Callable[[A], R],
) -> R:
    """Do what is asked on the quickest way: `alone`, or with many others who ask at this moment.

    In a transaction it is always alone: the caller decides what becomes of that.

    :param keys: what it is hot by
    :raises Busy: too many requests wait
    :raises Refused: the answer is no
    """
    if connection.in_atomic_block:
        return alone(ask)
    with heat.visit(keys) as is_hot:
        if not is_hot:
            return by_fresh_plans(partial(alone, ask))
        # Who waits needs no connection; the batcher needs one, and could wait for who waits for it.
        if connection.settings_dict["OPTIONS"].get("pool"):
            connection.close()
        return batcher.wait_for(ask)


_all: WeakSet[Batcher[Any, Any] | Heat] = WeakSet()


def _after_fork() -> None:
    for one in _all:
        one.start_afresh()


os.register_at_fork(after_in_child=_after_fork)


def close_all() -> None:
    """Take what waits, then end the threads of all batchers, with their connections."""
    for one in list(_all):
        if isinstance(one, Batcher):
            one.close()
