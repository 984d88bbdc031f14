"""A sandbox provider while the demo's past is made; it leaves its books to the next one."""

import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from liveshop.embedded import children

PATIENCE = 20.0


@contextlib.contextmanager
def sandbox() -> Iterator[None]:
    """Run the provider on a free port, unless one answers at PAYMENTS_SANDBOX_URL."""
    configured = settings.PAYMENTS_SANDBOX_URL
    if _answers(configured):
        yield
        return
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]
    with Path(os.devnull).open("ab") as log:
        process = children.spawn(
            [sys.executable, "-m", "shops.payments.sandbox", "--port", str(port)],
            log=log,
            when_parent_dies=signal.SIGKILL,
            cwd=Path(settings.BASE_DIR),
            env={**os.environ, "LIVESHOP_STATE": str(settings.STATE_DIR)},
        )
    url = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + PATIENCE
        while not _answers(url):
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError("the sandbox provider did not start")
            time.sleep(0.1)
        settings.PAYMENTS_SANDBOX_URL = url
        yield
    finally:
        settings.PAYMENTS_SANDBOX_URL = configured
        children.stop([process], sign=signal.SIGTERM, patience=5)


def _answers(url: str) -> bool:
    host, _, port = url.removeprefix("http://").partition(":")
    with contextlib.suppress(OSError, ValueError), socket.create_connection((host, int(port)), 1):
        return True
    return False
