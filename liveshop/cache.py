"""The cache, which remembers nothing while Valkey is away: no request fails because of it."""

import logging
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import ConnectionError as NoConnection
from redis.exceptions import TimeoutError as NoAnswer

log = logging.getLogger(__name__)


class ForgetfulCache(RedisCache):
    """Reads find nothing and writes are lost while Valkey is away; what is rare may still fail.

    Sign-in counts its attempts here. It is better not to count for a while than to let nobody in.
    """

    def add(
        self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> bool:
        try:
            return bool(super().add(key, value, timeout, version))
        except (NoConnection, NoAnswer):
            log.warning("Valkey is away: nothing is cached")
            return True

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        try:
            return super().get(key, default, version)
        except (NoConnection, NoAnswer):
            return default

    def set(
        self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> None:
        try:
            super().set(key, value, timeout, version)
        except (NoConnection, NoAnswer):
            log.warning("Valkey is away: nothing is cached")

    def delete(self, key: Any, version: int | None = None) -> bool:
        try:
            return bool(super().delete(key, version))
        except (NoConnection, NoAnswer):
            return False
