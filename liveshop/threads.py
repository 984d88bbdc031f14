"""Threads that do what an event loop gives them, and tell it what came of that.

`concurrent.futures` does it, too, with a condition and two futures for each piece of work, and it
wakes a second thread in vain whenever it wakes one. Here one is called at a time: until it comes,
those that are through with theirs may take what waits, and then it calls the next one. Who rested
last is called first. So there are few who want Python's lock, and few are used.
"""

import asyncio
import atexit
from collections import deque
from collections.abc import Callable
from threading import Lock, Thread
from typing import Any


class Work:
    """A call that some thread makes; `done` is for who waits for it in the loop that gave it."""

    __slots__ = ("_arguments", "_function", "_loop", "done", "is_waiting")

    def __init__(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        self._function, self._arguments = function, arguments
        self._loop = asyncio.get_running_loop()
        self.done: asyncio.Future[Any] = self._loop.create_future()
        # Whether all threads have something else to do when it is given.
        self.is_waiting = False

    def do(self) -> None:
        found, failure = None, None
        try:
            found = self._function(*self._arguments)
        except BaseException as error:  # it is raised where the answer is waited for
            failure = error
        try:
            self._loop.call_soon_threadsafe(self._tell, found, failure)
        except RuntimeError:
            # The loop was closed meanwhile, so nobody waits any more.
            return

    def _tell(self, found: Any, failure: BaseException | None) -> None:
        if self.done.done():
            return  # Who waited was called off.
        if failure is None:
            self.done.set_result(found)
        else:
            self.done.set_exception(failure)


class Threads:
    """At most so many threads; each is started when there is work and none rests."""

    def __init__(self, most: int, name: str) -> None:
        self.most, self._name = most, name
        self._lock = Lock()
        self._threads: list[Thread] = []
        self._waiting: deque[Work] = deque()
        # What waits and what threads work at.
        self._under_way = 0
        # A lock for each thread that rests: it wakes up when that is let go.
        self._resting: list[Lock] = []
        # While work waits and a thread could do it, there is one on its way.
        self._is_called = False
        self._is_ending = False

    def give(self, function: Callable[..., Any], *arguments: Any) -> Work:
        """Have a thread make a call as soon as one has time for it.

        :raises RuntimeError: the threads have ended
        """
        work = Work(function, arguments)
        with self._lock:
            if self._is_ending:
                raise RuntimeError("the threads have ended")
            self._waiting.append(work)
            self._under_way += 1
            work.is_waiting = self._under_way > self.most
            if not self._is_called:
                self._call()
        return work

    async def make(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Have a thread make a call, and wait for what it gives; who is called off needs none."""
        work = self.give(function, *arguments)
        try:
            return await work.done
        except asyncio.CancelledError:
            self.take_back(work)
            raise

    def take_back(self, work: Work) -> bool:
        """Tell whether no thread had begun with a call; none will make it then."""
        with self._lock:
            try:
                self._waiting.remove(work)
            except ValueError:
                return False
            self._under_way -= 1
            return True

    def end(self) -> None:
        """Wait until all work is done that was given, and the threads have ended."""
        with self._lock:
            self._is_ending = True
            resting, self._resting = self._resting, []
        for bell in resting:
            bell.release()
        for thread in self._threads:
            thread.join()

    def _call(self) -> None:
        """Call a thread that has nothing to do, if there is one."""
        if self._resting:
            self._resting.pop().release()
            self._is_called = True
        elif len(self._threads) < self.most:
            self._is_called = self._start()

    def _start(self) -> bool:
        name = f"{self._name}_{len(self._threads)}"
        # Nobody waits for a daemon at the end, but `end` does.
        thread = Thread(target=self._serve, name=name, daemon=True)
        try:
            thread.start()
        except RuntimeError:
            # The machine has no more; those that there are do what waits.
            if not self._threads:
                raise
            return False
        if not self._threads:
            atexit.register(self.end)
        self._threads.append(thread)
        return True

    def _serve(self) -> None:
        bell = Lock()
        bell.acquire()
        work, has_come = None, True
        while True:
            with self._lock:
                if work is not None:
                    self._under_way -= 1
                    work = None
                if has_come:
                    self._is_called = has_come = False
                if self._waiting:
                    work = self._waiting.popleft()
                    if self._waiting and not self._is_called:
                        self._call()
                elif self._is_ending:
                    return
                else:
                    self._resting.append(bell)
            if work is not None:
                work.do()
            else:
                bell.acquire()
                has_come = True
