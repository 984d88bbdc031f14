"""How much one user and one address may say: token buckets in the process's memory."""

import time
from collections import OrderedDict
from typing import Final, NamedTuple


class Rate(NamedTuple):
    """`burst` messages at once, `per_second` after that."""

    burst: float
    per_second: float


PER_USER: Final = Rate(burst=40, per_second=10)
# Many people may share one address.
PER_ADDRESS: Final = Rate(burst=2000, per_second=500)
# Lines of captions in one show: nobody speaks faster.
CAPTIONS: Final = Rate(burst=8, per_second=2)
# Hearts of one user: nobody taps faster, and above that they do not count.
HEARTS: Final = Rate(burst=50, per_second=15)
MOST_BUCKETS: Final = 50_000


class Buckets:
    """A bucket per key; the ones that were used least recently are forgotten first."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str, *, now: float | None = None) -> bool:
        """Take a token; False when none is left."""
        return self.take_some(key, 1, now=now) == 1

    def take_some(self, key: str, wanted: int, *, now: float | None = None) -> int:
        """Take up to `wanted` tokens and return how many there were."""
        at = time.monotonic() if now is None else now
        tokens, then = self._buckets.pop(key, (self._rate.burst, at))
        tokens = min(self._rate.burst, tokens + (at - then) * self._rate.per_second)
        taken = min(wanted, int(tokens))
        self._buckets[key] = (tokens - taken, at)
        if len(self._buckets) > MOST_BUCKETS:
            self._buckets.popitem(last=False)
        return taken
