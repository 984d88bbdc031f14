"""The real site in processes of its own, on the test's database: web, provider, worker."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

import httpx

from liveshop.embedded.children import spawn

PROJECT = Path(__file__).parents[1]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def database_url() -> str:
    """Name the database that pytest-django made for this run."""
    from django.db import connection

    parts = urlsplit(os.environ["DATABASE_URL"])
    return urlunsplit(parts._replace(path=f"/{connection.settings_dict['NAME']}"))


_WORK = """
SELECT (
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'
) + (
    SELECT count(*) FROM procrastinate_jobs
    WHERE status = 'doing' OR status = 'todo' AND coalesce(scheduled_at, now()) <= now()
)
"""


@dataclass
class Site:
    """A running site; `stop()` ends just what `start()` began."""

    logs: Path
    # What differs from the test's own settings.
    settings: dict[str, str] = field(default_factory=dict)
    app: str = "liveshop.asgi:application"
    # What serves the web part: daphne, or uvicorn as `manage.py stage` (which knows its app).
    server: Literal["daphne", "uvicorn"] = "daphne"
    web_port: int = field(default_factory=free_port)
    provider_port: int = field(default_factory=free_port)
    origin_port: int = field(default_factory=free_port)
    rtmp_port: int = field(default_factory=free_port)
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.web_port}"

    @property
    def origin_url(self) -> str:
        return f"http://127.0.0.1:{self.origin_port}"

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "DATABASE_URL": database_url(),
            "DJANGO_SETTINGS_MODULE": "liveshop.settings",
            "PAYMENTS_SANDBOX_URL": f"http://127.0.0.1:{self.provider_port}",
            "SITE_URL": self.url,
            "ORIGIN_URL": self.origin_url,
            "RTMP_URL": f"rtmp://127.0.0.1:{self.rtmp_port}/live",
            "ORIGIN_DIR": str(self.logs / "origin"),
            "RECORDINGS_DIR": str(self.logs / "recordings"),
            "DATABASE_POOL": "10",
            **self.settings,
        }

    def start(self, *parts: str) -> "Site":
        for part in parts or ("provider", "web", "worker"):
            self.start_one(part)
        self.wait()
        return self

    def start_one(self, part: str) -> None:
        with (self.logs / f"{part}.log").open("ab") as log:
            self._running[part] = spawn(
                [sys.executable, *self._arguments(part)],
                cwd=PROJECT,
                env=self.environment,
                log=log,
                when_parent_dies=signal.SIGKILL,
            )

    def _arguments(self, part: str) -> list[str]:
        webhook = f"{self.url}/payments/webhooks/sandbox/"
        match part:
            case "provider":
                port = str(self.provider_port)
                return ["-m", "shops.payments.sandbox", "--port", port, "--webhook-url", webhook]
            case "web" if self.server == "uvicorn":
                return ["manage.py", "stage", "--port", str(self.web_port)]
            case "web":
                port = str(self.web_port)
                limits = ["--websocket-max-message-size", "16384"]
                return ["-m", "daphne", "-b", "127.0.0.1", "-p", port, "-v", "0", *limits, self.app]
            case "worker":
                return ["manage.py", "procrastinate", "worker", "--concurrency", "1"]
            case "origin":
                ports = ["--port", str(self.origin_port), "--rtmp-port", str(self.rtmp_port)]
                return ["manage.py", "origin", *ports]
        raise ValueError(part)

    def wait(self, *, patience: float = 40) -> None:
        for part, url in (("web", f"{self.url}/"), ("origin", f"{self.origin_url}/healthz")):
            if part in self._running:
                self._wait_for(part, url, patience=patience)

    def _wait_for(self, part: str, url: str, *, patience: float) -> None:
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(url, timeout=10).status_code < 500:
                    return
            if self._running[part].poll() is not None:
                break
            time.sleep(0.1)
        raise RuntimeError(f"{part} did not answer:\n{self.log(part)[-3000:]}")

    def settle(self, *, patience: float = 15) -> None:
        """Wait until no process of the site works: no job, no statement, no transaction."""
        from django.db import connection

        quiet, deadline = 0, time.monotonic() + patience
        while time.monotonic() < deadline:
            with connection.cursor() as cursor:
                cursor.execute(_WORK)
                quiet = 0 if cursor.fetchone()[0] else quiet + 1
            if quiet == 3:
                break
            time.sleep(0.05)

    def log(self, part: str) -> str:
        path = self.logs / f"{part}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def end(self, part: str) -> None:
        """Have a part tidy up and end."""
        process = self._running.pop(part)
        process.send_signal(signal.SIGTERM)
        process.wait(10)

    def kill(self, part: str) -> None:
        """End a part without a chance to tidy up."""
        process = self._running.pop(part)
        process.kill()
        process.wait(10)

    def stop(self) -> None:
        for process in self._running.values():
            process.send_signal(signal.SIGTERM)
        for process in self._running.values():
            try:
                process.wait(8)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)
        self._running.clear()
