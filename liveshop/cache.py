"""The cache, which remembers nothing while Valkey is away: no request fails because of it."""

import logging
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from django.conf import settings
from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis.backoff import NoBackoff
from redis.cluster import RedisCluster
from redis.exceptions import ClusterDownError, RedisClusterException
from redis.exceptions import ConnectionError as NoConnection
from redis.exceptions import TimeoutError as NoAnswer
from redis.retry import Retry

log = logging.getLogger(__name__)

AWAY = (NoConnection, NoAnswer, ClusterDownError, RedisClusterException)


# One for all threads and requests: each would have to learn of the nodes.
@cache
def _cluster(url: str, options: frozenset[tuple[str, Any]]) -> RedisCluster:
    return RedisCluster.from_url(url, retry=Retry(NoBackoff(), 1), **dict(options))


class _ClusterClient(RedisCacheClient):
    """Keys are on different nodes, so what is asked of many is asked one by one."""

    def __init__(self, servers: list[str], **options: Any) -> None:
        super().__init__(servers, **options)
        self._place = (servers[0], frozenset(options.items()))

    def get_client(self, key: Any = None, *, write: bool = False) -> Any:
        return _cluster(*self._place)

    def get_many(self, keys: Iterable[Any]) -> dict[Any, Any]:
        nothing = object()
        found = ((key, self.get(key, nothing)) for key in keys)
        return {key: value for key, value in found if value is not nothing}

    def set_many(self, data: Mapping[Any, Any], timeout: Any) -> None:
        for key, value in data.items():
            self.set(key, value, timeout)


class ForgetfulCache(RedisCache):
    """Reads find nothing and writes are lost while Valkey is away; what is rare may still fail.

    Sign-in counts its attempts here. It is better not to count for a while than to let nobody in.
    """

    def __init__(self, server: Any, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        if settings.REDIS_CLUSTER:
            self._class = _ClusterClient

    def add(
        self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> bool:
        try:
            return bool(super().add(key, value, timeout, version))
        except AWAY:
            log.warning("Valkey is away: nothing is cached")
            return True

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        try:
            return super().get(key, default, version)
        except AWAY:
            return default

    def set(
        self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> None:
        try:
            super().set(key, value, timeout, version)
        except AWAY:
            log.warning("Valkey is away: nothing is cached")

    def delete(self, key: Any, version: int | None = None) -> bool:
        try:
            return bool(super().delete(key, version))
        except AWAY:
            return False
