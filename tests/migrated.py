"""One database is migrated for a run; its processes copy it.

Migrating takes ten seconds of a core, copying less than one.
"""

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

from liveshop.embedded.binaries import find_postgres
from liveshop.embedded.places import Places
from tests.embedded_plugin import OWN_SERVERS
from tests.servers import PROJECT

_NAME = "liveshop_migrated"
# What migrating throws away costs less than looking for it: a quarter less time, some more memory.
_MIGRATE = """
import gc
gc.disable()
from django.core.management import execute_from_command_line
execute_from_command_line(["manage.py", "migrate", "-v", "0"])
"""


def begin():
    """Begin while the processes of a run collect their tests; returns what ends it."""
    if not _state().joinpath(OWN_SERVERS).exists():
        return lambda: None
    made = [sys.executable, "-c", "from tests import migrated; migrated.make()"]
    process = subprocess.Popen(made, cwd=PROJECT, start_new_session=True)

    def end():
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    return end


def template():
    """Name the database to copy; None where others' would stay."""
    if "PYTEST_XDIST_WORKER" not in os.environ or not _state().joinpath(OWN_SERVERS).exists():
        return None
    make()
    return _NAME


def make():
    """Migrate the database, or wait until another process has done so."""
    done = _state() / "migrated"
    with _state().joinpath("migrated.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if done.exists():
            return
        url = os.environ["DATABASE_URL"]
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {_NAME}")
            connection.execute(f"CREATE DATABASE {_NAME}")
        _migrate(_with_path(url, f"/{_NAME}"))
        done.touch()


def fill(url):
    """Fill an empty database of another server as migrations do: copy the run's, or migrate."""
    name, programs = template(), _programs()
    if name is None or programs is None:
        return _migrate(url)
    known = [programs / "pg_dump", "--no-owner", _with_path(os.environ["DATABASE_URL"], f"/{name}")]
    with subprocess.Popen(known, stdout=subprocess.PIPE) as dump:
        told = [programs / "psql", "-X", "-q", "-o", os.devnull, "-v", "ON_ERROR_STOP=1", "-d", url]
        subprocess.run(told, stdin=dump.stdout, check=True)
    assert dump.returncode == 0


def _state():
    return Path(os.environ["LIVESHOP_STATE"])


def _programs():
    """Name the folder of PostgreSQL's programs, if those that dump and restore are among them."""
    places = Places.of(_state())
    folder = find_postgres(places.account).folder
    return folder if (folder / "pg_dump").exists() and (folder / "psql").exists() else None


def _migrate(url):
    subprocess.run(
        [sys.executable, "-c", _MIGRATE],
        cwd=PROJECT,
        env={
            **os.environ,
            "DATABASE_URL": url,
            "DJANGO_SETTINGS_MODULE": "liveshop.settings",
        },
        check=True,
    )


def _with_path(url, path):
    return urlunsplit(urlsplit(url)._replace(path=path))
