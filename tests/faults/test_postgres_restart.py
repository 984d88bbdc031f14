"""PostgreSQL goes away and comes back: who asks meanwhile is told to wait, and nothing stays."""

import contextlib
import os
import shutil
import signal
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psycopg
import pytest

from liveshop import embedded
from tests import migrated
from tests.liveshop.embedded.conftest import keeper_of, postmaster_of
from tests.servers import Site

# What the design promises.
BACK_WITHIN = 10


class OwnSite(Site):
    """A site whose database is not the test's, so that it may be taken away."""

    @property
    def environment(self):
        return {**os.environ, "DJANGO_SETTINGS_MODULE": "liveshop.settings", **self.settings}

    def start_fallen(self):
        """Start again who ended because the database was away, as whoever looks after them does."""
        for part, process in list(self._running.items()):
            if process.poll() is not None:
                self.start_one(part)
        deadline = time.monotonic() + 30
        while home(self).status_code != 200:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        return self


@pytest.fixture
def state():
    base = Path(tempfile.mkdtemp(prefix="liveshop-restart-"))
    base.chmod(0o755)
    yield base / "state"
    embedded.reset(base / "state")
    shutil.rmtree(base)


@pytest.fixture
def site(state, tmp_path):
    with embedded.lease(state, fast=True) as lease:
        site = OwnSite(
            logs=tmp_path,
            settings={
                "DATABASE_URL": lease.urls.database,
                "REDIS_URL": lease.urls.redis,
                "LIVESHOP_STATE": str(state),
                "DATABASE_POOL": "8",
            },
        )
        migrated.fill(lease.urls.database)
        try:
            yield site.start("web", "worker")
        finally:
            site.stop()


def home(site):
    return httpx.get(f"{site.url}/", timeout=30)


def many(site, count=12):
    """Ask so often at once that every connection of the pool is used."""
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda _: home(site), range(count)))


def periodic_jobs(site):
    with psycopg.connect(site.settings["DATABASE_URL"]) as connection:
        jobs = "SELECT count(*) FROM procrastinate_jobs WHERE status = 'succeeded'"
        return connection.execute(jobs).fetchone()[0]


@contextlib.contextmanager
def away(state):
    """PostgreSQL ends, and nobody starts it until the end of the block."""
    keeper = keeper_of(state).pid
    os.kill(keeper, signal.SIGSTOP)
    try:
        os.kill(postmaster_of(state).pid, signal.SIGINT)
        yield
    finally:
        os.kill(keeper, signal.SIGCONT)


@pytest.mark.long
def test_while_it_is_away_all_are_told_to_come_again_and_then_all_goes_on(site, state):
    assert {answer.status_code for answer in many(site)} == {200}

    with away(state):
        # Longer than the first pauses of a pool that tries to connect.
        until = time.monotonic() + 9
        while time.monotonic() < until:
            answer = home(site)
            assert answer.status_code == 503
            assert int(answer.headers["Retry-After"]) > 0
            time.sleep(1)
        told = httpx.get(f"{site.url}/", headers={"Accept": "application/json"}, timeout=30)
    assert told.status_code == 503
    assert told.headers["Content-Type"] == "application/problem+json"
    assert told.json()["code"] == "unavailable"

    began = time.monotonic()
    while (answer := home(site)).status_code != 200:
        assert answer.status_code == 503
        time.sleep(0.1)
    assert time.monotonic() - began < BACK_WITHIN
    assert {answer.status_code for answer in many(site)} == {200}

    before = periodic_jobs(site)
    deadline = time.monotonic() + 60
    while periodic_jobs(site) == before:
        assert time.monotonic() < deadline, site.log("worker")[-3000:]
        site.start_fallen()
        time.sleep(0.5)
