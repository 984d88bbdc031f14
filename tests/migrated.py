"""One database is migrated for a run; its processes copy it.

Migrating takes twelve seconds of a core, copying less than one.
"""

import fcntl
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

from tests.embedded_plugin import OWN_SERVERS
from tests.servers import PROJECT

_NAME = "liveshop_migrated"


def template():
    """Name the database to copy, which the first to ask migrates; None where others' would stay."""
    state = Path(os.environ["LIVESHOP_STATE"])
    if "PYTEST_XDIST_WORKER" not in os.environ or not (state / OWN_SERVERS).exists():
        return None
    done = state / "migrated"
    with (state / "migrated.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            url = os.environ["DATABASE_URL"]
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {_NAME}")
            subprocess.run(
                [sys.executable, "manage.py", "migrate", "-v", "0"],
                cwd=PROJECT,
                env={**os.environ, "DATABASE_URL": _with_path(url, f"/{_NAME}")},
                check=True,
            )
            done.touch()
    return _NAME


def _with_path(url, path):
    return urlunsplit(urlsplit(url)._replace(path=path))
