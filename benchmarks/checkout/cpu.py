"""What the processes of a bench's site use of the processor, by kind."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from benchmarks.private_site import Site
from benchmarks.processes import cpu_seconds

_DUE_JOBS: Final = """
SELECT count(*) FROM procrastinate_jobs
WHERE status IN ('todo', 'doing') AND coalesce(scheduled_at, now()) <= now()
"""


class Meter:
    """Counts from when it is made; `since` tells what was used by then, in seconds."""

    def __init__(self, site: Site) -> None:
        self._pids = _pids(site)
        self._before = self._now()

    def since(self) -> dict[str, float]:
        now = self._now()
        return {kind: now[kind] - self._before[kind] for kind in now}

    def _now(self) -> dict[str, float]:
        return {kind: sum(cpu_seconds(pid) for pid in pids) for kind, pids in self._pids.items()}


def _pids(site: Site) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for name, process in site.processes.items():
        found.setdefault(name.partition("-")[0], []).append(process.pid)
    return {**found, "database": [_postmaster()], "valkey": [_valkey()]}


def _postmaster() -> int:
    """Find the process that all sessions of the database come from; it counts those that ended."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SHOW data_directory")
        [(folder,)] = cursor.fetchall()
    return int((Path(folder) / "postmaster.pid").read_text().split("\n", 1)[0])


def _valkey() -> int:
    from creators.stage.valkey import Valkey

    told = Valkey(timeout=5).anywhere("INFO", "server")
    if isinstance(told, Mapping):
        return int(told["process_id"])
    text = told.decode() if isinstance(told, bytes) else str(told)
    return int(text.partition("process_id:")[2].split()[0])


def wait_for_jobs(*, patience: float) -> int:
    """Wait until the worker has done what is due; returns how much is left in the end."""
    from django.db import connection

    until = time.monotonic() + patience
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_DUE_JOBS)
            [(left,)] = cursor.fetchall()
        if not left or time.monotonic() > until:
            return int(left)
        time.sleep(0.5)
