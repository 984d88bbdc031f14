"""A private site for a benchmark: its own servers and processes, and nothing left of them."""

import contextlib
import http.client
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from liveshop import embedded
from liveshop.embedded import children
from liveshop.embedded.places import PROJECT

START_SECONDS = 60.0


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        doors = [stack.enter_context(socket.socket()) for _ in range(count)]
        for door in doors:
            door.bind(("127.0.0.1", 0))
        return [door.getsockname()[1] for door in doors]


@dataclass
class Site:
    """The processes of a site, by name; `environment` is theirs and this one's."""

    state: Path
    web_port: int
    origin_port: int
    environment: dict[str, str]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.web_port}"

    def start(self, name: str, *arguments: str, answers: int | None = None) -> None:
        """Start a process of the site; wait until it answers at a port, where one is given."""
        with self.log(name).open("ab") as log:
            self.processes[name] = children.spawn(
                [sys.executable, *arguments],
                cwd=PROJECT,
                env=self.environment,
                log=log,
                when_parent_dies=signal.SIGKILL,
            )
        if answers is not None:
            self.wait_for(name, self.processes[name], answers)

    def stop(self, name: str) -> None:
        process = self.processes.pop(name)
        children.stop([process], sign=signal.SIGTERM, patience=8)

    def log(self, name: str) -> Path:
        return self.state / f"{name}.log"

    def wait_for(self, name: str, process: subprocess.Popen[bytes], port: int) -> None:
        """Wait until a process answers at a port.

        :raises SystemExit: it ended instead, or needs too long
        """
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            try:
                connection.request("GET", "/healthz" if name == "origin" else "/")
                if connection.getresponse().status < 500:
                    return
            except OSError:
                time.sleep(0.1)
            finally:
                connection.close()
        raise SystemExit(f"{name} did not start:\n{self.log(name).read_text()[-3000:]}")


@contextlib.contextmanager
def private_site(
    *,
    settings: dict[str, str] | None = None,
    parts: tuple[str, ...] = ("origin", "web", "worker"),
    durable: bool = False,
) -> Iterator[Site]:
    """Start PostgreSQL, Valkey and the parts of a site; set Django up for them.

    `durable` has PostgreSQL wait for the disk at each commit, as it does in production.
    """
    state = Path(tempfile.mkdtemp(prefix="liveshop-bench-"))
    # The embedded servers' user must be able to walk it.
    state.chmod(0o755)
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, state, ignore_errors=True)
        stack.callback(embedded.reset, state)
        lease = stack.enter_context(embedded.lease(state, fast=not durable))
        web, origin, rtmp = free_ports(3)
        own = {
            "DATABASE_URL": lease.urls.database,
            "REDIS_URL": lease.urls.redis,
            "LIVESHOP_ENV": "demo",
            "LIVESHOP_STATE": str(state),
            "DJANGO_SETTINGS_MODULE": "liveshop.settings",
            "SECRET_KEY": secrets.token_urlsafe(48),
            "SITE_URL": f"http://127.0.0.1:{web}",
            "ORIGIN_URL": f"http://127.0.0.1:{origin}",
            "RTMP_URL": f"rtmp://127.0.0.1:{rtmp}/live",
            "PYTHONUNBUFFERED": "1",
            **(settings or {}),
        }
        os.environ.update(own)
        site = Site(state=state, web_port=web, origin_port=origin, environment=dict(os.environ))
        stack.callback(lambda: [site.stop(name) for name in list(site.processes)])
        manage = str(PROJECT / "manage.py")
        subprocess.run(
            [sys.executable, manage, "migrate", "--verbosity", "0"],
            env=site.environment,
            cwd=PROJECT,
            check=True,
        )
        if "origin" in parts:
            ports = ("--port", str(origin), "--rtmp-port", str(rtmp))
            site.start("origin", manage, "origin", *ports, answers=origin)
        if "web" in parts:
            daphne = ("-m", "daphne", "-v", "0", "-b", "127.0.0.1", "-p", str(web))
            site.start("web", *daphne, "liveshop.asgi:application", answers=web)
        if "worker" in parts:
            site.start("worker", manage, "worker")
        import django

        django.setup()
        yield site
