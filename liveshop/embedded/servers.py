"""How PostgreSQL and Valkey are set up, started and asked if they answer."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import psycopg

from liveshop.embedded import children
from liveshop.embedded.binaries import PostgresPrograms, find_postgres, find_valkey
from liveshop.embedded.errors import EmbeddedError
from liveshop.embedded.places import Account, Places, open_owned

START_SECONDS = 60.0


class Postgres:
    """The PostgreSQL of one state folder."""

    name = "PostgreSQL"
    stop_signal = signal.SIGINT  # "fast": end sessions, write everything, leave

    def __init__(self, places: Places, *, fast: bool) -> None:
        self.places = places
        self.fast = fast
        self.log = places.servers / "postgres.log"

    def prepare(self) -> Sequence[str | Path]:
        """Make the data folder at the first start; return the command that serves it."""
        programs = find_postgres(self.places.account)
        data = self.places.database
        if data.exists():
            self._check_version(programs)
            self._forget_last_process()
        else:
            self._initdb(programs)
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": '"{}"'.format(
                str(self.places.sockets).replace('"', '""')  # a list: commas in it need the quotes
            ),
            "unix_socket_permissions": "0700",
            "max_connections": "200",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "logging_collector": "off",
            "jit": "off",
        }
        if self.fast:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        options = [f"--{name}={value}" for name, value in settings.items()]
        return [programs.folder / "postgres", "-D", data, *options]

    def answers(self) -> bool:
        try:
            self._connect("postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    def when_up(self) -> None:
        """Make the database; a start that was killed may have left the folder without it."""
        with self._connect("postgres") as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = 'liveshop'")
            if known.fetchone() is None:
                connection.execute("CREATE DATABASE liveshop")

    def _connect(self, database: str) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host=str(self.places.sockets),
            user="liveshop",
            dbname=database,
            connect_timeout=5,
            autocommit=True,
        )

    def _initdb(self, programs: PostgresPrograms) -> None:
        # Made aside and renamed when complete: a kill in between leaves nothing that looks usable.
        fresh = self.places.servers / "postgres.new"
        shutil.rmtree(fresh, ignore_errors=True)
        # The builtin provider sorts the same on every machine and needs no locale installed.
        locale = ["--locale=C.UTF-8"]
        if programs.major >= 17:
            locale += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        command: list[str | Path] = [programs.folder / "initdb", "-D", fresh, "-U", "liveshop"]
        command += ["-A", "trust", "-E", "UTF8", *locale]
        command += ["--no-sync"] if self.fast else []
        answer = _run_as(self.places.account, command, cwd=self.places.servers)
        if answer.returncode != 0:
            raise EmbeddedError(f"PostgreSQL's data folder could not be made:\n{answer.stdout}")
        fresh.rename(self.places.database)

    def _check_version(self, programs: PostgresPrograms) -> None:
        made_by = (self.places.database / "PG_VERSION").read_text().strip()
        if made_by != str(programs.major):
            raise EmbeddedError(
                f"The data in {self.places.database} was made by PostgreSQL {made_by}, but "
                f"{programs.folder} is version {programs.major}. Use the same PG_BIN as before, "
                "or start afresh with make demo-reset (which forgets the data)."
            )

    def _forget_last_process(self) -> None:
        """Remove the pid files that a killed server left.

        The caller holds the keeper's lock, which every process of the last server held too: what
        the file names can only be a zombie, a stranger with a reused number, or a server that was
        started by hand, and only the last is in the way.
        """
        note = self.places.database / "postmaster.pid"
        try:
            pid = int(note.read_text().split("\n", 1)[0])
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError):
            command = b""
        if os.fsencode(self.places.database) in command:
            raise EmbeddedError(
                f"Another PostgreSQL (process {pid}), not started by liveshop, uses "
                f"{self.places.database}. Stop it first."
            )
        note.unlink(missing_ok=True)
        for name in (".s.PGSQL.5432", ".s.PGSQL.5432.lock"):
            (self.places.sockets / name).unlink(missing_ok=True)


class Valkey:
    """The Valkey of one state folder; it holds nothing that can't be lost, so it saves nothing."""

    name = "Valkey"
    stop_signal = signal.SIGTERM

    def __init__(self, places: Places) -> None:
        self.places = places
        self.log = places.servers / "valkey.log"

    def prepare(self) -> Sequence[str | Path]:
        path = self.places.valkey_socket
        path.unlink(missing_ok=True)
        settings: dict[str, str | Path] = {
            "port": "0",
            "unixsocket": path,
            "unixsocketperm": "700",
            "dir": self.places.servers,
            "databases": "64",
            "save": "",
            "appendonly": "no",
            "maxmemory": "256mb",
            "maxmemory-policy": "allkeys-lru",
        }
        command: list[str | Path] = [find_valkey(self.places.account)]
        for name, value in settings.items():
            command += [f"--{name}", value]
        return command

    def answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as door:
            door.settimeout(5)
            try:
                door.connect(str(self.places.valkey_socket))
                door.sendall(b"PING\r\n")
                return door.recv(64).startswith(b"+PONG")
            except OSError:
                return False

    def when_up(self) -> None:
        """Nothing to set up."""


class Running:
    """One server as a child of this process."""

    def __init__(self, server: Postgres | Valkey, *, hold: int) -> None:
        """Start it; `hold` is the lock that stays taken until its last process is gone."""
        self.server = server
        self._hold = hold
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        account = self.server.places.account
        command = self.server.prepare()
        with open_owned(self.server.log, account) as log:
            return children.spawn(
                command,
                log=log,
                when_parent_dies=self.server.stop_signal,
                cwd=self.server.places.servers,
                env=_bare_environment(),
                uid=None if account.is_me else account.uid,
                gid=None if account.is_me else account.gid,
                keep_open=[self._hold],
            )

    def wait_until_up(self) -> None:
        """Return when it answers.

        :raises EmbeddedError: it ended instead, or needs too long
        """
        deadline = time.monotonic() + START_SECONDS
        while not self.server.answers():
            if self.process.poll() is not None:
                raise EmbeddedError(
                    f"{self.server.name} ended at its start. The end of {self.server.log}:\n"
                    f"{_tail(self.server.log)}"
                )
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"{self.server.name} did not answer within {START_SECONDS:.0f} seconds; "
                    f"see {self.server.log}."
                )
            time.sleep(0.03)
        self.server.when_up()

    def stop(self) -> None:
        children.stop([self.process], sign=self.server.stop_signal, patience=20)


def _run_as(
    account: Account, command: Sequence[str | Path], *, cwd: Path
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        cwd=cwd,
        env=_bare_environment(),
        user=None if account.is_me else account.uid,
        group=None if account.is_me else account.gid,
        extra_groups=None if account.is_me else [],
    )


def _bare_environment() -> dict[str, str]:
    """Return an environment without the caller's PG* variables and language."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def _tail(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    return "\n".join(lines[-15:])
