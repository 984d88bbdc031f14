"""So often and no oftener: counts in the cache, which may forget; then nobody is kept out."""

from datetime import timedelta

from django.core.cache import cache
from django.utils.translation import gettext_lazy as _

from shops.facts.refused import Refused


class TooMany(Refused):
    code = "too_many"
    message = _("That was too often in a short time. Try again later.")
    status = 429
    retry_after = 60


def take_turn(key: str, *, most: int, within: timedelta) -> None:
    """Count one more of something, of which there may be `most` from the first one `within` a time.

    :raises TooMany: there were that many already
    """
    name = f"turns:{key}"
    if cache.add(name, 1, timeout=within.total_seconds()):
        return
    try:
        turns = cache.incr(name)
    except ValueError:  # it ran out, or was forgotten, this very moment
        return
    if turns > most:
        raise TooMany
