"""Keeps a handful of child processes running, and ends them all with this one."""

import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from liveshop.embedded import children

LONGEST_PAUSE_SECONDS = 30.0
# Who ran this long without falling is healthy again: the next pause is short.
HEALTHY_SECONDS = 60.0


class ChildFailed(Exception):
    """A child that the rest can't do without did not start; the message says what it wrote."""


@dataclass(kw_only=True)
class Child:
    """One process to keep running; a crash is answered by a new start after a growing pause."""

    name: str
    command: Sequence[str | Path]
    log: Path
    # One that may come to its end: only a crash starts it again.
    may_finish: bool = False
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    falls: int = 0
    next_start_at: float = 0.0

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def last_words(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join(lines[-20:])


class Supervisor:
    """A context manager: at its end every child has ended too."""

    def __init__(self, *, cwd: Path, env: Mapping[str, str], say: Callable[[str], None]) -> None:
        self._cwd = cwd
        self._env = env
        self._say = say
        self._children: list[Child] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        running = [child.process for child in self._children if child.process is not None]
        # What is cut off after that rolls back, as after any crash.
        children.stop(running, sign=signal.SIGTERM, patience=4)

    def start(self, child: Child) -> subprocess.Popen[bytes]:
        """Start a child and look after it from now on."""
        child.log.write_bytes(b"")
        self._children.append(child)
        return self._spawn(child)

    def run(self, child: Child) -> None:
        """Run a child to its end.

        :raises ChildFailed: its exit status is not 0
        """
        process = self.start(child)
        while process.poll() is None:
            time.sleep(0.05)
        self._children.remove(child)
        if process.returncode != 0:
            raise ChildFailed(f"{child.name} failed. The end of {child.log}:\n{child.last_words()}")

    def tend(self) -> None:
        """Start again whoever fell and has waited long enough; call it a few times a second."""
        now = time.monotonic()
        for child in self._children:
            if child.is_running:
                continue
            if child.process is not None:
                self._note_the_end(child, child.process.returncode, now)
            if child.process is None and now >= child.next_start_at:
                self._spawn(child)
        self._children = [child for child in self._children if not _is_finished(child)]

    def _note_the_end(self, child: Child, status: int, now: float) -> None:
        child.process = None
        if child.may_finish and status == 0:
            child.next_start_at = float("inf")
            return
        child.falls = 1 if now - child.started_at > HEALTHY_SECONDS else child.falls + 1
        pause = min(2.0 ** (child.falls - 1), LONGEST_PAUSE_SECONDS)
        child.next_start_at = now + pause
        how = f"signal {-status}" if status < 0 else f"exit status {status}"
        self._say(
            f"{child.name} ended ({how}); starting it again in {pause:.0f} s. See {child.log}"
        )

    def _spawn(self, child: Child) -> subprocess.Popen[bytes]:
        with child.log.open("ab") as log:
            child.process = process = children.spawn(
                child.command,
                log=log,
                # Not a polite signal: the launcher is gone, and nobody is left to insist.
                when_parent_dies=signal.SIGKILL,
                cwd=self._cwd,
                env=self._env,
            )
        child.started_at = time.monotonic()
        return process


def _is_finished(child: Child) -> bool:
    return child.process is None and child.next_start_at == float("inf")
