"""What one process knows of the chats for a moment, so that not every batch of lines reads it anew.

How a chat is kept and by whom is forgotten at once when it changes (the control message `standing`)
and `KEEP_SECONDS` old at most when that message is lost. The show's state and who is sanctioned are
not kept: they are read with each batch (`statements`).
"""

import threading
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from typing import Final

from creators.chat.mentions import Names, names_in
from creators.chat.standing import Standing, read_keeping
from shops.facts.refused import NotFound

# Names are read with the lines of whoever wrote lately: so late one is found by name at most.
KEEP_SECONDS: Final = 1.5
_MOST_KEPT: Final = 2_000


class Standings:
    """The standings that one process keeps for a moment."""

    def __init__(self, read: Callable[[int], Standing] = read_keeping) -> None:
        self._read = read
        self._kept: dict[int, tuple[Standing, float]] = {}
        self._forgotten: dict[int, int] = {}
        self._lock = threading.Lock()

    def kept(self, piece_id: int) -> Standing | None:
        """Return a piece's standing if it is known without a query."""
        found = self._kept.get(piece_id)
        return found[0] if found is not None and time.monotonic() < found[1] else None

    def of(self, piece_id: int) -> Standing:
        """Return a piece's standing, read when it is not known.

        :raises NotFound: there is no such piece
        """
        found = self.kept(piece_id)
        if found is not None:
            return found
        times = self._forgotten.get(piece_id, 0)
        until = time.monotonic() + KEEP_SECONDS
        found = self._read(piece_id)
        with self._lock:
            # What was read before it was to be forgotten is not kept.
            if self._forgotten.get(piece_id, 0) == times:
                if len(self._kept) >= _MOST_KEPT:
                    self._kept.clear()
                self._kept[piece_id] = found, until
        return found

    def of_all(self, piece_ids: Iterable[int]) -> dict[int, Standing]:
        """Return the standing of each piece that there is."""
        found: dict[int, Standing] = {}
        for piece_id in piece_ids:
            with suppress(NotFound):
                found[piece_id] = self.of(piece_id)
        return found

    def forget(self, piece_id: int) -> None:
        with self._lock:
            self._kept.pop(piece_id, None)
            if len(self._forgotten) >= _MOST_KEPT:
                self._forgotten.clear()
                self._kept.clear()
            self._forgotten[piece_id] = self._forgotten.get(piece_id, 0) + 1

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()


standings = Standings()


class KeptNames:
    """The names that one process keeps for a moment."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[Names, float]] = {}

    def of(self, piece_id: int, *, host: tuple[int, str], moderators: Collection[int]) -> Names:
        """Return who may be meant in a show, as `names_in`, read when it is not known."""
        at = time.monotonic()
        found = self._kept.get(piece_id)
        if found is not None and at < found[1]:
            return found[0]
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        names = names_in(piece_id, host=host, moderators=moderators)
        self._kept[piece_id] = names, at + KEEP_SECONDS
        return names


names = KeptNames()
