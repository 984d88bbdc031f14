"""The site of the stage's bench: a show on the air, thousands who are signed in, and a server.

The web processes have one core for themselves; all else of the bench uses the others.
"""

import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final, Self

import httpx

from benchmarks.private_site import Site, free_ports
from benchmarks.processes import cpu_seconds, memory_mb
from liveshop.embedded.places import PROJECT

_BACKEND: Final = "django.contrib.auth.backends.ModelBackend"


# --- Cores ------------------------------------------------------------------------------------


@cache
def cores() -> tuple[set[int], set[int]]:
    """Return the server's core and the others, as they were when the bench began.

    :raises SystemExit: there are not two
    """
    ours = sorted(os.sched_getaffinity(0))
    if len(ours) < 2:
        raise SystemExit("This bench needs two cores: one for the server, one for its viewers.")
    return {ours[0]}, set(ours[1:])


@contextlib.contextmanager
def on(some: set[int]) -> Iterator[None]:
    """Have what is started in this block run on these cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, some)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


# --- People -----------------------------------------------------------------------------------


def sign_in(count: int) -> list[str]:
    """Make that many users, each with a session; returns their cookies."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.auth.hashers import make_password
    from django.contrib.sessions.backends.db import SessionStore
    from django.contrib.sessions.models import Session

    from shops.accounts.models import User

    users = User.objects.bulk_create(
        [
            User(
                email=f"viewer-{number}@example.com",
                display_name=f"Viewer {number}",
                password=make_password(None),
            )
            for number in range(count)
        ],
        batch_size=2000,
    )
    store = SessionStore()
    until = datetime.now(UTC) + timedelta(days=1)
    sessions = [
        Session(
            session_key=f"{number:08d}{os.urandom(12).hex()}",
            session_data=store.encode(
                {
                    SESSION_KEY: str(user.pk),
                    BACKEND_SESSION_KEY: _BACKEND,
                    HASH_SESSION_KEY: user.get_session_auth_hash(),
                }
            ),
            expire_date=until,
        )
        for number, user in enumerate(users)
    ]
    Session.objects.bulk_create(sessions, batch_size=2000)
    return [f"{settings.SESSION_COOKIE_NAME}={session.session_key}" for session in sessions]


# --- Servers ----------------------------------------------------------------------------------


@dataclass
class Server:
    """Web processes, all on the server's core."""

    site: Site
    names: list[str]
    ports: list[int]

    def _pids(self) -> list[int]:
        return [self.site.processes[name].pid for name in self.names]

    def cpu_seconds(self) -> float:
        return sum(cpu_seconds(pid) for pid in self._pids())

    def memory_kb(self) -> float:
        return sum(memory_mb(pid) for pid in self._pids()) * 1024

    def closes(self, code: int) -> int:
        """Tell how many websockets were closed with a code, as the processes' metrics say."""
        total = 0.0
        for port in self.ports:
            said = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=10).raise_for_status().text
            found = re.search(rf'^liveshop_stage_closes_total{{code="{code}"}} (\S+)', said, re.M)
            total += float(found[1]) if found else 0.0
        return int(total)


@contextlib.contextmanager
def server(site: Site, kind: str, *, fast: bool, processes: int = 1) -> Iterator[Server]:
    """Start the site's web processes."""
    site.environment["STAGE_FAST_PATH"] = "on" if fast else "off"
    found = Server(site, [], [])
    with contextlib.ExitStack() as stack, on(cores()[0]):
        for port in free_ports(processes):
            name = f"web-{port}"
            stack.callback(_stop, site, name)
            site.start(name, *_command(kind, port, fast=fast), answers=port)
            found.names.append(name)
            found.ports.append(port)
        with on(cores()[1]):
            yield found


def _stop(site: Site, name: str) -> None:
    if name in site.processes:
        site.stop(name)


def _command(kind: str, port: int, *, fast: bool) -> list[str]:
    if kind == "daphne":
        return f"-m daphne -v 0 -b 127.0.0.1 -p {port} liveshop.asgi:application".split()
    if fast:
        return f"manage.py stage --host 127.0.0.1 --port {port}".split()
    words = f"-m uvicorn --host 127.0.0.1 --port {port} --loop uvloop --lifespan off"
    words += " --log-level warning --no-access-log liveshop.asgi:application"
    return words.split()


# --- Helpers of the bench, each a process with a line to talk over ----------------------------


class Helper:
    """A process of the bench that answers lines with lines."""

    def __init__(self, module: str, *words: str, environment: dict[str, str], log: Path) -> None:
        with log.open("ab") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", f"benchmarks.{module}", *words],
                cwd=PROJECT,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                bufsize=1,
            )
        self.log = log

    def say(self, line: str) -> None:
        assert self.process.stdin is not None  # noqa: S101
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def hear(self) -> str:
        assert self.process.stdout is not None  # noqa: S101
        line = self.process.stdout.readline()
        if not line:
            said = self.log.read_text(errors="replace")[-2000:]
            raise SystemExit(f"A process of the bench ended early:\n{said}")
        return line.strip()

    def end(self) -> None:
        if self.process.stdin is not None:
            with contextlib.suppress(OSError):
                self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)
        if self.process.stdout is not None:
            self.process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.end()


class Crowd(Helper):
    """The viewers' process."""

    def __init__(self, site: Site, ports: list[int], **options: Any) -> None:
        log = site.log("crowd")
        self.site = site
        super().__init__("stage.crowd", environment=site.environment, log=log)
        self.say(json.dumps({"ports": ports, **options}))

    def ask(self, do: str, **words: Any) -> dict[str, Any]:
        """Have the viewers do something.

        :raises SystemExit: it failed
        """
        self.say(json.dumps({"do": do, **words}))
        answer: dict[str, Any] = json.loads(self.hear())
        if "failed" in answer:
            logs = [self.log, *(self.site.log(name) for name in self.site.processes)]
            said = "\n".join(log.read_text(errors="replace")[-2000:] for log in logs)
            raise SystemExit(f"The viewers could not {do}: {answer['failed']}\n{said}")
        return answer


class Publisher(Helper):
    """The process that publishes; it begins at `go` and tells at the end how many there were."""

    def __init__(self, site: Site, *, rate: float, target: str) -> None:
        log = site.log("publisher")
        super().__init__(
            "stage.publisher", str(rate), target, environment=site.environment, log=log
        )
        self.hear()

    def go(self) -> None:
        self.say("go")

    def stop(self) -> dict[str, Any]:
        self.say("stop")
        told: dict[str, Any] = json.loads(self.hear())
        return told


def cookies_file(site: Site, cookies: list[str]) -> str:
    path = site.state / "cookies.json"
    path.write_text(json.dumps(cookies))
    return str(path)
