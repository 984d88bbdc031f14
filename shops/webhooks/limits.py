"""How many requests a minute the API answers one token, or one user in a browser.

Counted in minutes of the clock, so a program may spend all of one in a burst. Each process counts
for itself and tells the others, by the cache, in steps; so a few more than the limit may get
through, and most requests ask nobody. Without the cache each process counts alone.
"""

import time
from dataclasses import dataclass
from math import ceil
from typing import Any, Final

from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from shops.webhooks.models import ApiToken

MINUTE: Final = 60
_STEP: Final = 10


@dataclass(slots=True)
class _Count:
    """`told` is what all processes have told of, `own` what this one has not told yet."""

    told: int = 0
    own: int = 0


# The minute that is counted now, and who has asked in it.
_counted: tuple[int, dict[str, _Count]] = (0, {})


class PerMinute(BaseThrottle):
    """Answers 429 with Retry-After beyond the limit, and says in each answer what is left.

    By the IETF's draft of the RateLimit header fields. Who is not known is not counted: many people
    may sit behind one address, and what is open to them costs little.
    """

    def allow_request(self, request: Request, view: Any) -> bool:
        most: int = settings.API_REQUESTS_PER_MINUTE
        who = _who(request)
        if not most or who is None:
            return True
        now = time.time()
        used = _count(who, most=most, minute=int(now // MINUTE))
        self._left = ceil(MINUTE - now % MINUTE)
        view.headers["RateLimit-Policy"] = f'"api";q={most};w={MINUTE}'
        view.headers["RateLimit"] = f'"api";r={max(most - used, 0)};t={self._left}'
        return used <= most

    def wait(self) -> float:
        return self._left


def _who(request: Request) -> str | None:
    if isinstance(request.auth, ApiToken):
        return f"t{request.auth.pk}"
    return f"u{request.user.pk}" if request.user.is_authenticated else None


def _count(who: str, *, most: int, minute: int) -> int:
    """Count one more request of somebody; return how many there were in this minute."""
    global _counted
    if _counted[0] != minute:
        _counted = (minute, {})
    count = _counted[1].setdefault(who, _Count())
    if count.told > most:
        return count.told  # no more has to be known of who goes on
    count.own += 1
    if count.own >= min(_STEP, most + 1 - count.told):
        count.told, count.own = _tell(f"api:{who}:{minute}", count.own), 0
    return count.told + count.own


def _tell(name: str, requests: int) -> int:
    try:
        if not cache.add(name, requests, timeout=2 * MINUTE):
            return cache.incr(name, requests)
    except (ValueError, RedisError):  # forgotten this very moment, or the cache is away
        pass
    return requests
