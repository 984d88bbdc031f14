"""Tell browsers of a hot SKU's stock: the newest figures, now and then, in a thread of its own.

A hundred batches a second would have a hundred figures shown of which nobody sees more than a few;
and telling them must not keep those waiting who want to buy. Each fact is in the outbox; only what
is shown of them is less. The figures are absolute, so nothing is missed.
"""

import logging
import os
import threading
from collections.abc import Callable
from typing import Final

from django.db import connection

from shops.facts.publishing import show
from shops.stock.events import StockChanged

log = logging.getLogger(__name__)

EVERY_SECONDS: Final = 0.05
# The thread, and with it its connection, ends after so long without news.
IDLE_SECONDS: Final = 2.0


class Teller:
    """Shows the newest facts of each SKU: the first one at once, then every `every_seconds`."""

    def __init__(
        self,
        show: Callable[[StockChanged], None] = show,
        *,
        every_seconds: float = EVERY_SECONDS,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._show = show
        self._every_seconds = every_seconds
        self._idle_seconds = idle_seconds
        self.start_afresh()

    def start_afresh(self) -> None:
        """Forget what was to be told and the thread: after a fork they are the parent's."""
        self._newest: dict[int, StockChanged] = {}
        self._changed = threading.Condition(threading.Lock())
        self._thread: threading.Thread | None = None
        self._is_closed = False

    def tell(self, fact: StockChanged) -> None:
        """Have a committed fact shown soon, unless a newer one of its SKU is. Never blocks."""
        with self._changed:
            before = self._newest.get(fact.sku_id)
            if before is None or before.rev < fact.rev:
                self._newest[fact.sku_id] = fact
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="stock-teller", daemon=True)
                self._thread.start()
            else:
                self._changed.notify()

    def close(self) -> None:
        """Show what is to be shown; returns when the thread has ended."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
            thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        try:
            while facts := self._next():
                for fact in facts:
                    self._tell(fact)
                with self._changed:
                    self._changed.wait_for(lambda: self._is_closed, self._every_seconds)
        finally:
            connection.close()

    def _next(self) -> list[StockChanged]:
        with self._changed:
            if not self._is_closed:
                self._changed.wait_for(lambda: self._newest or self._is_closed, self._idle_seconds)
            if not self._newest:
                # Whoever tells next starts another thread.
                self._thread = None
                return []
            facts = list(self._newest.values())
            self._newest.clear()
            return facts

    def _tell(self, fact: StockChanged) -> None:
        try:
            self._show(fact)
        except Exception:
            connection.close()
            log.exception("stock of SKU %s was not shown", fact.sku_id)


teller = Teller()
os.register_at_fork(after_in_child=teller.start_afresh)
