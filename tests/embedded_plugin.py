"""Gives every pytest run a PostgreSQL and a Valkey of its own, before Django reads its settings.

With pytest-xdist the first process starts them and the workers inherit their addresses; each worker
has its own database in both. DATABASE_URL and REDIS_URL, when set, are used instead.
"""

import atexit
import contextlib
import os
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit, urlunsplit

import pytest

# A file in the state folder of a run whose servers are nobody else's.
OWN_SERVERS = "own-servers"
_stack = contextlib.ExitStack()
atexit.register(_stack.close)  # a run that fails before it begins has no pytest_unconfigure


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests() -> Generator[None]:
    # As a wrapper it comes before pytest-django's implementation, which loads the settings.
    os.environ.setdefault("LIVESHOP_ENV", "test")
    # What is paid is the shop's at once; tests of the remorse hold set their own.
    os.environ.setdefault("REMORSE_SECONDS", "0")
    # Tests of the limit set their own.
    os.environ.setdefault("API_REQUESTS_PER_MINUTE", "0")
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is not None:
        number = int(worker.removeprefix("gw")) + 1
        os.environ["REDIS_URL"] = with_database(os.environ["REDIS_URL"], add=number)
    else:
        _start()
    return (yield)


def pytest_unconfigure() -> None:
    _stack.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    missed = sum("NO BROWSER" in str(report.longrepr) for report in skipped)
    if missed:
        terminalreporter.section("NO BROWSER", sep="!", red=True, bold=True)
        terminalreporter.line(
            f"{missed} browser tests were SKIPPED: this machine has no Chromium. "
            "`make test-browser` gets one, or says how to get one.",
            red=True,
        )


def _start() -> None:
    from liveshop import embedded

    # Where the tests' mails, uploads and servers go. The servers' user must be able to walk it.
    state = Path(tempfile.mkdtemp(prefix="liveshop-test-"))
    state.chmod(0o755)
    _stack.callback(shutil.rmtree, state)
    os.environ["LIVESHOP_STATE"] = str(state)
    if os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL"):
        return
    try:
        lease = embedded.lease(state, fast=True)
    except embedded.EmbeddedError as error:
        raise pytest.UsageError(str(error)) from error
    _stack.callback(embedded.reset, state)
    _stack.enter_context(lease)
    (state / OWN_SERVERS).touch()
    # Empty means unset everywhere; "or" keeps the one that was given.
    os.environ["DATABASE_URL"] = os.environ.get("DATABASE_URL") or lease.urls.database
    os.environ["REDIS_URL"] = os.environ.get("REDIS_URL") or lease.urls.redis


def with_database(url: str, *, add: int) -> str:
    """Return the Valkey address with a database number that is `add` higher."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        given = int(parse_qs(parts.query).get("db", ["0"])[0])
        return f"unix://{parts.path}?db={given + add}"
    given = int(parts.path.strip("/") or 0)
    return urlunsplit(parts._replace(path=f"/{given + add}"))
