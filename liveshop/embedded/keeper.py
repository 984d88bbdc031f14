"""The process that owns both servers for as long as somebody holds a lease.

Every lease is a connection to this process's socket. The kernel closes it however the client ends,
so counting connections is counting clients. The servers get a signal from the kernel when this
process itself is killed, and they all hold the lock `keeper.lock`: whoever gets it knows that
nothing of an earlier start is left.
"""

import contextlib
import fcntl
import json
import logging
import os
import selectors
import signal
import socket
import sys
import time
from collections import deque
from pathlib import Path
from types import FrameType
from typing import IO

from liveshop.embedded.errors import EmbeddedError
from liveshop.embedded.places import Places, open_owned
from liveshop.embedded.servers import Postgres, Running, Valkey

# A server that ends by itself is started again, but not for ever.
RESTARTS = 5
RESTART_WINDOW_SECONDS = 60.0
LOCK_SECONDS = 60.0

logger = logging.getLogger(__name__)


class Keeper:
    """Starts the servers, waits until nobody needs them any more, and stops them."""

    def __init__(self, places: Places, door: socket.socket, *, fast: bool) -> None:
        self.places = places
        self.door = door
        self.fast = fast
        self.clients: set[socket.socket] = set()
        self.leaving: list[socket.socket] = []
        self.running: list[Running] = []
        self.crashes: deque[float] = deque(maxlen=RESTARTS)
        self.is_told_to_stop = False
        self.selector = selectors.DefaultSelector()

    def run(self) -> None:
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)
        self.door.setblocking(False)
        self.selector.register(self.door, selectors.EVENT_READ)
        with self._open("keeper.lock") as lock:
            answer: dict[str, str] = {}
            try:
                self._take(lock.fileno())
                self._start(lock.fileno())
                self._serve(lock.fileno())
            except EmbeddedError as error:
                answer = {"error": str(error)}
                logger.error("%s", error)
            finally:
                self._close_door(even_with_clients=True)
                for server in reversed(self.running):
                    server.stop()
                for client in (*self.clients, *self.leaving):
                    if answer:
                        _say(client, answer)
                    client.close()

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.is_told_to_stop = True

    def _open(self, name: str) -> IO[bytes]:
        return open_owned(self.places.servers / name, self.places.account)

    def _take(self, lock: int) -> None:
        """Wait for the processes of an earlier start that are still on their way out."""
        deadline = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise EmbeddedError(
                        f"Servers of an earlier start still use {self.places.servers} and have "
                        f"not stopped within {LOCK_SECONDS:.0f} seconds. End them, then try again."
                    ) from None
                time.sleep(0.05)
            else:
                return

    def _start(self, lock: int) -> None:
        for server in (Valkey(self.places), Postgres(self.places, fast=self.fast)):
            self.running.append(Running(server, hold=lock))
        for started in self.running:
            started.wait_until_up()

    def _serve(self, lock: int) -> None:
        told: set[socket.socket] = set()
        while not self.is_told_to_stop:
            for key, _ in self.selector.select(timeout=0.5):
                if isinstance(key.fileobj, socket.socket) and key.fileobj is not self.door:
                    self._listen_to(key.fileobj)
            self._let_in()
            for client in self.clients - told:
                _say(client, {"ready": "yes"})
            told = set(self.clients)
            if not self.clients and self._close_door(even_with_clients=False):
                return
            self._revive(lock)

    def _let_in(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                client, _ = self.door.accept()
                client.setblocking(False)
                self.clients.add(client)
                self.selector.register(client, selectors.EVENT_READ)
        if self.clients:
            while self.leaving:
                self.leaving.pop().close()

    def _listen_to(self, client: socket.socket) -> None:
        """Take the end of a connection for what it is; clients have nothing to say."""
        try:
            if client.recv(1024):
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self.selector.unregister(client)
        self.clients.discard(client)
        # Closed when others stay, else after the servers have stopped: who leaves may wait for it.
        self.leaving.append(client)

    def _close_door(self, *, even_with_clients: bool) -> bool:
        """Stop letting clients in, unless one stands before the door; nobody comes meanwhile."""
        if self.door.fileno() == -1:
            return True
        with self._open("door.lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._let_in()
            if self.clients and not even_with_clients:
                return False
            self.selector.unregister(self.door)
            self.door.close()
            self.places.keeper_socket.unlink(missing_ok=True)
            return True

    def _revive(self, lock: int) -> None:
        for index, old in enumerate(self.running):
            if old.process.poll() is None:
                continue
            now = time.monotonic()
            if len(self.crashes) == RESTARTS and now - self.crashes[0] < RESTART_WINDOW_SECONDS:
                raise EmbeddedError(
                    f"{old.server.name} ended {RESTARTS + 1} times within a minute; "
                    f"see {old.server.log}."
                )
            self.crashes.append(now)
            logger.warning("%s ended (%s); starting it", old.server.name, old.process.returncode)
            self.running[index] = self._restart(old, lock)

    def _restart(self, old: Running, lock: int) -> Running:
        # What is left of a killed server may hold its shared memory for a moment.
        patience = time.monotonic() + 15
        while True:
            again = Running(old.server, hold=lock)
            try:
                again.wait_until_up()
            except EmbeddedError:
                again.stop()
                if time.monotonic() > patience:
                    raise
                time.sleep(0.25)
            else:
                return again


def _say(client: socket.socket, words: dict[str, str]) -> None:
    with contextlib.suppress(OSError):
        client.sendall(json.dumps(words).encode() + b"\n")


def main() -> None:
    """Become a process of its own, then keep: arguments are state folder, socket number, fast."""
    state, number, fast = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "fast"
    if os.fork():
        os._exit(0)
    os.setsid()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    Keeper(Places.of(state), socket.socket(fileno=number), fast=fast).run()


if __name__ == "__main__":
    main()
