"""The sandbox provider in a process of its own, which a test may kill and start again."""

import contextlib
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from shops.payments.sandbox.keys import TRIAL_SECRET, api_key
from tests.servers import PROJECT, free_port

NOWHERE = "http://127.0.0.1:9/"


@dataclass
class Provider:
    """`kill` is a kill -9; `start` again remembers what was charged."""

    folder: Path
    webhook_url: str = NOWHERE
    delay: float = 0.2
    stall: float = 3.0
    port: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> "Provider":
        with (self.folder / "provider.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    sys.executable, "-m", "shops.payments.sandbox",
                    "--port", str(self.port),
                    "--webhook-url", self.webhook_url,
                    "--state", str(self.folder / "state" / "provider.sqlite3"),
                    "--delay", str(self.delay),
                    "--stall", str(self.stall),
                ],
                cwd=PROJECT,
                env={**os.environ, "PAYMENTS_SANDBOX_SECRET": TRIAL_SECRET},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )  # fmt: skip
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{self.url}/health", timeout=5).is_success:
                    return self
            time.sleep(0.05)
        raise RuntimeError((self.folder / "provider.log").read_text())

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def ask(self, method: str, path: str, *, key: str = "", token: str = "", **request):
        """Ask as a caller who knows the secret (or gives another token) would."""
        headers = {"Authorization": f"Bearer {token or api_key(TRIAL_SECRET)}"}
        if key:
            headers["Idempotency-Key"] = key
        return httpx.request(
            method, f"{self.url}{path}", headers=headers, timeout=10, trust_env=False, **request
        )
