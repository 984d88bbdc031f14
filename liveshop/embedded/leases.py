"""A lease: the right to use the embedded servers for as long as one holds it."""

import contextlib
import fcntl
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from liveshop.embedded.errors import EmbeddedError
from liveshop.embedded.places import PROJECT, Places, Urls, open_owned

# First start on a slow disk: initdb and both servers; the keeper itself gives up a little earlier.
READY_SECONDS = 150.0
STOP_SECONDS = 30.0


class Lease:
    """A connection to the keeper; the servers run at least until it is closed."""

    def __init__(self, places: Places, connection: socket.socket) -> None:
        self._places = places
        self._connection = connection

    @property
    def urls(self) -> Urls:
        return self._places.urls

    @property
    def is_lost(self) -> bool:
        """Say if the keeper is gone, and the servers with it."""
        try:
            return self._connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    def close(self) -> None:
        """Give it back; when it was the last one, return after the servers have stopped."""
        if self._connection.fileno() == -1:
            return
        with self._connection, contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_WR)
            self._connection.settimeout(STOP_SECONDS)
            while self._connection.recv(1024):
                pass

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()


def lease(state: Path | None = None, *, fast: bool = False) -> Lease:
    """Start the embedded servers, or join those that run, and return when they answer.

    `fast` (tests) starts a PostgreSQL that does not care whether its data survives a power cut.

    :raises EmbeddedError: they can't be had; the message says why and what to do
    """
    places = Places.of(state)
    places.make()
    for _ in range(3):
        with _door_lock(places):
            connection = _connect(places) or _start_keeper(places, fast=fast)
        answer = _hear(connection)
        if answer.get("ready"):
            connection.settimeout(None)
            return Lease(places, connection)
        connection.close()
        if "error" in answer:
            raise EmbeddedError(answer["error"])
        # The keeper was killed while we waited: the next one cleans up after it.
    raise EmbeddedError(
        "The embedded servers' keeper process ended three times without a word; "
        f"see {places.servers / 'keeper.log'}."
    )


def reset(state: Path | None = None) -> None:
    """Forget all data of the embedded servers.

    :raises EmbeddedError: they are in use
    """
    places = Places.of(state)
    if not places.servers.exists():
        return
    with _door_lock(places):
        connection = _connect(places)
        if connection is not None:
            connection.close()
            raise EmbeddedError("The embedded servers are in use. Stop the demo, then try again.")
        # Those of a killed keeper may be on their way out; they hold this lock until they are.
        with open_owned(places.servers / "keeper.lock", places.account) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            shutil.rmtree(places.servers)
            shutil.rmtree(places.sockets, ignore_errors=True)


@contextlib.contextmanager
def _door_lock(places: Places) -> Iterator[None]:
    """Keep others from starting or stopping a keeper; held for milliseconds."""
    try:
        flags = os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW
        number = os.open(places.servers / "door.lock", flags, 0o644)
    except PermissionError as error:
        raise EmbeddedError(
            f"{places.servers} belongs to another user. Run this as the user who made it, or set "
            "LIVESHOP_STATE to another folder."
        ) from error
    try:
        fcntl.flock(number, fcntl.LOCK_EX)
        yield
    finally:
        os.close(number)


def _connect(places: Places) -> socket.socket | None:
    """Connect to the keeper; return None if there is none (a file alone proves nothing)."""
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(str(places.keeper_socket))
    except OSError:
        connection.close()
        return None
    return connection


def _start_keeper(places: Places, *, fast: bool) -> socket.socket:
    """Open the keeper's door, hand it to a new keeper and be the first who waits before it."""
    places.keeper_socket.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(places.keeper_socket))
        door.listen(256)
        with open_owned(places.servers / "keeper.log", places.account) as log:
            subprocess.run(
                [
                    *(sys.executable, "-m", "liveshop.embedded.keeper"),
                    *(str(places.state), str(door.fileno()), "fast" if fast else "safe"),
                ],
                check=True,  # it forks at once: what ends here is only its first half
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=PROJECT,
                pass_fds=[door.fileno()],
                start_new_session=True,
            )
        connection = _connect(places)
    if connection is None:
        raise EmbeddedError(f"The embedded servers' keeper is gone: see {places.servers}.")
    return connection


def _hear(connection: socket.socket) -> dict[str, str]:
    """Wait for the keeper's one line; an empty answer means that it is gone."""
    connection.settimeout(READY_SECONDS)
    heard = b""
    try:
        while not heard.endswith(b"\n"):
            piece = connection.recv(65536)
            if not piece:
                return {}
            heard += piece
    except TimeoutError:
        return {"error": f"The embedded servers were not ready within {READY_SECONDS:.0f} s."}
    except OSError:
        return {}
    answer: dict[str, str] = json.loads(heard)
    return answer
