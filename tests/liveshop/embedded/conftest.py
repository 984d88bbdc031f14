"""Real server processes in a folder of their own, whose path has a space in it."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from liveshop import embedded
from liveshop.embedded.places import PROJECT, Places

HOLDER = """
import sys
from pathlib import Path
from liveshop import embedded
with embedded.lease(Path(sys.argv[1]), fast=True):
    print("up", flush=True)
    sys.stdin.read()
"""


@dataclass(frozen=True)
class Process:
    pid: int
    uid: int
    command: str
    is_under: bool  # its working folder is one of the servers'

    @property
    def is_postmaster(self) -> bool:
        return self.is_under and "/postgres -D " in self.command

    @property
    def is_keeper(self) -> bool:
        return "liveshop.embedded.keeper" in self.command


def processes_of(state: Path) -> list[Process]:
    """List the keeper and every server process of a state folder; zombies hold nothing."""
    places = Places.of(state)
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            cwd = os.readlink(entry / "cwd")
            uid = entry.stat().st_uid
        except OSError:
            continue
        under = Path(cwd).is_relative_to(places.servers)
        keeper = "liveshop.embedded.keeper" in command and str(state) in command
        if under or keeper:
            found.append(Process(int(entry.name), uid, command, under))
    return found


def postmaster_of(state: Path) -> Process:
    [postmaster] = [process for process in processes_of(state) if process.is_postmaster]
    return postmaster


def keeper_of(state: Path) -> Process:
    [keeper] = [process for process in processes_of(state) if process.is_keeper]
    return keeper


def wait_until(condition: Callable[[], bool], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"did not come true within {seconds} s"
        time.sleep(0.05)


def query(state: Path, statement: str) -> object:
    with psycopg.connect(embedded.urls(state).database, autocommit=True) as connection:
        cursor = connection.execute(statement)
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


class Holder:
    """A client process that holds a lease until it is let go or killed."""

    def __init__(self, state: Path, python: str = sys.executable, **options: object) -> None:
        self.process = subprocess.Popen(
            [python, "-c", HOLDER, str(state)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=PROJECT,
            **options,
        )

    def wait_until_up(self) -> None:
        assert self.process.stdout
        assert self.process.stdout.readline() == "up\n", self.process.communicate()[1]

    def let_go(self) -> None:
        _, errors = self.process.communicate(timeout=30)
        assert self.process.returncode == 0, errors

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def hold(state):
    """hold() starts a process with a lease on `state`; what is left is killed at the end."""
    holders = []

    def start(**options):
        holders.append(Holder(state, **options))
        return holders[-1]

    yield start
    for holder in holders:
        if holder.process.poll() is None:
            holder.kill()


@contextmanager
def walkable():
    """Make a folder to which the servers' user can walk; what runs in its `state` ends with it."""
    base = Path(tempfile.mkdtemp(prefix="live shop "))
    base.chmod(0o755)
    state = base / "state"
    yield state
    for process in processes_of(state):
        if process.is_keeper:
            os.kill(process.pid, signal.SIGTERM)
    wait_until(lambda: not processes_of(state), 30)
    embedded.reset(state)
    shutil.rmtree(base)


@pytest.fixture
def state():
    """A state folder that is not there yet."""
    with walkable() as state:
        yield state


@pytest.fixture(scope="session")
def first_start():
    """A state folder after one start and its end."""
    with walkable() as state:
        embedded.lease(state, fast=True).close()
        wait_until(lambda: processes_of(state) == [])
        yield state


@pytest.fixture
def started_before(state, first_start):
    """`state` is there: the data were made at an earlier start, which takes a second of a core."""
    subprocess.run(["cp", "-a", first_start, state], check=True)
