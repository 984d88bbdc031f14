"""Where rooms are: in one Valkey, or on the nodes of a cluster, which hold some slots each.

Every node has an ordinary client of its own, so that one that is lost costs the others nothing.
(redis-py's cluster clients close their connections to all nodes when a slot is down, and their
subscription waits for one node after the other.) `REDIS_CLUSTER` is asked for here, and nowhere
else in the stage: a server alone is a map with one node, which never changes.
"""

import asyncio
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any, Final, Generic, TypeVar
from urllib.parse import urlsplit

import redis
import redis.asyncio
from django.conf import settings
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.commands.core import AsyncScript, Script
from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot
from redis.exceptions import ConnectionError as NoConnection
from redis.exceptions import MovedError, NoScriptError, RedisError
from redis.exceptions import TimeoutError as NoAnswer
from redis.retry import Retry

AWAY: Final = (NoConnection, NoAnswer)
FAILURES: Final = (RedisError, OSError, asyncio.TimeoutError)
ALONE: Final = "the server"
DEFAULT_PORT: Final = 6379
# Name of no node: nobody holds the slot, or it is not known yet who does.
NOBODY: Final = ""

# Keys and arguments of a script.
Call = tuple[list[str], list[Any]]

C = TypeVar("C")


class _Nodes(Generic[C]):
    """The nodes by name (host:port), and which of them holds what."""

    def __init__(self, url: str, make: Callable[[str], C], *, is_cluster: bool) -> None:
        self._url = url
        self._make = make
        self._is_cluster = is_cluster
        self._clients: dict[str, C] = {} if is_cluster else {ALONE: make(url)}
        self._holders: tuple[str, ...] = ()
        self._is_stale = is_cluster
        # Node -> when it did not answer; who did latest is asked last.
        self._failed_at: dict[str, float] = {}
        self.names = frozenset[str]() if is_cluster else frozenset((ALONE,))

    def node_of(self, key: str) -> str:
        """Name the node that holds a key, a room or a channel."""
        if not self._is_cluster:
            return ALONE
        return self._holders[key_slot(key.encode())] if self._holders else NOBODY

    def client(self, name: str) -> C:
        """Return a node's own client.

        :raises redis.ConnectionError: there is no such node
        """
        found = self._clients.get(name)
        if found is None:
            if name == NOBODY:
                raise NoConnection("no node of the cluster holds this slot")
            parts = urlsplit(self._url)
            user, at, _ = parts.netloc.rpartition("@")
            url = parts._replace(netloc=user + at + name, path="").geturl()
            found = self._clients.setdefault(name, self._make(url))
        return found

    def by_command(self, channels: Iterable[str]) -> Iterable[Sequence[str]]:
        """Divide channels into those that one command may name."""
        if not self._is_cluster:
            return (list(channels),)
        slots = defaultdict(list)
        for channel in channels:
            slots[key_slot(channel.encode())].append(channel)
        return slots.values()

    def suspect(self, name: str) -> None:
        """Note that a node did not answer: another may take its place."""
        self._failed_at[name] = time.monotonic()
        self._is_stale = self._is_cluster

    def _asked(self, *, first: str = NOBODY) -> list[str]:
        """Name those who can be asked, in this order; the one of the URL is there for ever."""
        names = set(self.names)
        if self._is_cluster:
            parts = urlsplit(self._url)
            given = parts.netloc.rpartition("@")[2]
            names.add(given if parts.port else f"{given}:{DEFAULT_PORT}")
        return sorted(names, key=lambda name: (name != first, self._failed_at.get(name, 0.0), name))

    def _learn(self, answer: Any, *, asked: str) -> None:
        """Take in what `CLUSTER SLOTS` says: [first slot, last slot, [host, port, ...], ...]."""
        holders = [NOBODY] * REDIS_CLUSTER_HASH_SLOTS
        for first, last, primary, *_ in answer:
            host = (primary[0] or b"").decode()
            if not host or host == "?":
                host = asked.rpartition(":")[0]
            elif ":" in host:
                host = f"[{host}]"
            name = f"{host}:{primary[1]}"
            holders[first : last + 1] = [name] * (last + 1 - first)
        self._holders = tuple(holders)
        self.names = frozenset(holders) - {NOBODY}
        self._is_stale = False
        self._failed_at.pop(asked, None)


# Scripts that are given their client when they are called.
@cache
def _registered(text: str) -> Script:
    return redis.Redis().register_script(text)


@cache
def registered(text: str) -> AsyncScript:
    return redis.asyncio.Redis().register_script(text)


class Valkey(_Nodes[redis.Redis]):
    """All nodes for Django code and jobs; it may be shared by threads."""

    def __init__(self, *, timeout: float) -> None:
        def make(url: str) -> redis.Redis:
            return redis.Redis.from_url(
                url,
                socket_timeout=timeout,
                socket_connect_timeout=timeout,
                retry=Retry(NoBackoff(), 0),
            )

        super().__init__(settings.REDIS_URL, make, is_cluster=settings.REDIS_CLUSTER)
        self._finding = threading.Lock()

    def script(self, text: str, keys: list[str], args: list[Any]) -> Any:
        """Run a script by its hash, or by its text when the server does not know it (yet).

        :raises redis.RedisError: it was not run, or nobody knows whether it was
        """
        if self._is_stale:
            self._find()
        name = self.node_of(keys[0])
        try:
            return _registered(text)(keys=keys, args=args, client=self.client(name))
        except MovedError:
            self._is_stale = True
            self._find(first=name)
            return _registered(text)(
                keys=keys, args=args, client=self.client(self.node_of(keys[0]))
            )
        except AWAY:
            self.suspect(name)
            raise

    def scripts(self, text: str, calls: Sequence[Call]) -> list[RedisError | None]:
        """Run a script many times, by one trip to each node; tells what went wrong with each."""
        if self._is_stale:
            self._find()
        by_node = defaultdict[str, list[int]](list)
        for number, (keys, _args) in enumerate(calls):
            by_node[self.node_of(keys[0])].append(number)
        found: dict[int, RedisError | None] = {}
        for name, numbers in by_node.items():
            found |= zip(
                numbers, self._at_node(name, text, [calls[n] for n in numbers]), strict=True
            )
        return [found[number] for number in range(len(calls))]

    def _at_node(self, name: str, text: str, calls: Sequence[Call]) -> Iterable[RedisError | None]:
        answers: Sequence[Any] = [None]
        if len(calls) > 1:
            script = _registered(text)
            try:
                with self.client(name).pipeline(transaction=False) as trip:
                    for keys, args in calls:
                        trip.evalsha(script.sha, len(keys), *keys, *args)
                    answers = trip.execute(raise_on_error=False)
            except RedisError as error:
                if isinstance(error, AWAY):
                    self.suspect(name)
                answers = [error] * len(calls)
        for call, answer in zip(calls, answers, strict=True):
            # Alone; or the node does not know the script (yet), or another has the room by now.
            if len(calls) == 1 or isinstance(answer, MovedError | NoScriptError):
                try:
                    self.script(text, *call)
                    yield None
                except RedisError as error:
                    yield error
            else:
                yield answer if isinstance(answer, RedisError) else None

    def anywhere(self, *command: Any) -> Any:
        """Run a command that any node can answer.

        :raises redis.RedisError: none does
        """
        if self._is_stale:
            self._find()
        failure: RedisError | None = None
        for name in self._asked():
            try:
                return self.client(name).execute_command(*command)  # type: ignore[no-untyped-call]
            except AWAY as error:
                self.suspect(name)
                failure = error
        raise failure or NoConnection("there are no nodes")

    def close(self) -> None:
        for client in self._clients.values():
            client.close()

    def _find(self, *, first: str = NOBODY) -> None:
        """Ask a node who holds what; one that told that another does now knows it for sure.

        Only one, as a purchase may wait for it: next time it is another's turn.
        """
        # Meanwhile others go on with what was known.
        if not self._finding.acquire(blocking=not self._holders):
            return
        try:
            if self._is_stale:
                name = self._asked(first=first)[0]
                try:
                    answer = self.client(name).execute_command("CLUSTER SLOTS")  # type: ignore[no-untyped-call]
                    self._learn(answer, asked=name)
                except RedisError:
                    self.suspect(name)
        finally:
            self._finding.release()


class AsyncValkey(_Nodes["redis.asyncio.Redis"]):
    """All nodes for an event loop."""

    def __init__(self, url: str) -> None:
        def make(url: str) -> redis.asyncio.Redis:
            return redis.asyncio.Redis.from_url(
                url,
                socket_connect_timeout=2,
                socket_timeout=5,
                retry=AsyncRetry(NoBackoff(), 0),
            )

        super().__init__(url, make, is_cluster=settings.REDIS_CLUSTER)
        # Told which keys, rooms and channels are elsewhere now.
        self.on_moved: Callable[[Callable[[str], bool]], None]

    async def script(self, text: str, keys: list[str], args: list[Any]) -> Any:
        """As of `Valkey`."""
        name = self.node_of(keys[0])
        try:
            return await registered(text)(keys=keys, args=args, client=self.client(name))
        except MovedError:
            await self.find(first=name)
            name = self.node_of(keys[0])
            return await registered(text)(keys=keys, args=args, client=self.client(name))

    async def find(self, *, first: str = NOBODY) -> None:
        """Ask the nodes who holds what."""
        if not self._is_cluster:
            return
        for name in self._asked(first=first):
            try:
                answer = await self.client(name).execute_command("CLUSTER SLOTS")  # type: ignore[no-untyped-call]
            except FAILURES:
                self.suspect(name)
                continue
            before = self._holders
            self._learn(answer, asked=name)
            self._tell_moved(before, self._holders)
            return

    def _tell_moved(self, before: tuple[str, ...], after: tuple[str, ...]) -> None:
        if before and before != after:
            slots = {slot for slot in range(len(after)) if before[slot] != after[slot]}
            self.on_moved(lambda key: key_slot(key.encode()) in slots)

    async def close(self) -> None:
        for client in self._clients.values():
            await client.aclose()


def database_of(url: str) -> int:
    """Tell the number of the database in a URL; a cluster has only the first."""
    if settings.REDIS_CLUSTER:
        return 0
    return int(redis.ConnectionPool.from_url(url).connection_kwargs.get("db") or 0)
