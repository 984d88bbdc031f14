"""Lines that this process has just written down, while it tells of them, and which it told of.

Whoever tells browsers has them from here and need not read them again. They are here only while
the reactions to their fact run; any other process, or any later telling, reads them.
"""

import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from creators.chat.models import Message
from creators.chat.statements import Answered


@dataclass(frozen=True, slots=True)
class FreshLine:
    message: Message
    author: str
    answered: Answered | None


class FreshLines:
    def __init__(self) -> None:
        self._lines: dict[int, FreshLine] = {}

    def put(self, lines: Iterable[FreshLine]) -> None:
        self._lines.update((line.message.pk, line) for line in lines)

    def drop(self, lines: Iterable[FreshLine]) -> None:
        for line in lines:
            self._lines.pop(line.message.pk, None)

    def of(self, message_ids: Collection[int]) -> dict[int, FreshLine]:
        """Return those of these lines that are here, by their ids."""
        return {pk: line for pk in message_ids if (line := self._lines.get(pk)) is not None}


class ToldLines:
    """The lines that this process has told browsers of, the latest of them."""

    def __init__(self, *, at_most: int = 10_000) -> None:
        self._at_most = at_most
        self._ids: OrderedDict[int, None] = OrderedDict()
        self._lock = threading.Lock()

    def __contains__(self, message_id: int) -> bool:
        return message_id in self._ids

    def add(self, message_ids: Iterable[int]) -> None:
        with self._lock:
            self._ids.update(dict.fromkeys(message_ids))
            while len(self._ids) > self._at_most:
                self._ids.popitem(last=False)

    def clear(self) -> None:
        with self._lock:
            self._ids.clear()


fresh_lines = FreshLines()
told_lines = ToldLines()
