"""How long somebody has been looking at a show, by what their page says every few seconds."""

import time

# A view counts after so long.
QUALIFIED_SECONDS = 5.0
# Longer between two words of it: the page was hidden, and the time begins anew.
GAP_SECONDS = 12.0
# A page counts once in so long among those who say how far behind they are.
LAG_GAP_SECONDS = 5.0


class Watching:
    __slots__ = ("_at", "_lag_at", "_since", "is_counted")

    def __init__(self) -> None:
        self._since = self._at = self._lag_at = float("-inf")
        self.is_counted = False

    def goes_on(self) -> bool:
        """Note a word of it; True when they have been looking for long enough."""
        now = time.monotonic()
        if now - self._at > GAP_SECONDS:
            self._since = now
        self._at = now
        return now - self._since >= QUALIFIED_SECONDS

    def may_tell_lag(self) -> bool:
        """Take a page's word on how far behind it is, now and then."""
        now = time.monotonic()
        if now - self._lag_at < LAG_GAP_SECONDS:
            return False
        self._lag_at = now
        return True
