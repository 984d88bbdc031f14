"""Where the embedded servers keep their data and sockets, and as whom they run."""

import fcntl
import hashlib
import os
import pwd
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote

from liveshop.embedded.errors import EmbeddedError

PROJECT = Path(__file__).resolve().parents[2]
# For root whose project lies where the servers' ordinary user can't go (a home with mode 0700).
SYSTEM_STATE = Path("/var/lib/liveshop")
# The kernel takes 107 bytes for a socket's path; ".s.PGSQL.5432.lock" is the longest name in it.
LONGEST_SOCKET_FOLDER = 107 - len("/.s.PGSQL.5432.lock")


@dataclass(frozen=True, kw_only=True)
class Urls:
    """The two addresses that the settings need."""

    database: str
    redis: str


@dataclass(frozen=True, kw_only=True)
class Account:
    """An ordinary user of the machine, as whom the servers run."""

    uid: int
    gid: int

    @property
    def is_me(self) -> bool:
        return self.uid == os.geteuid()

    def may(self, path: Path, wanted: int) -> bool:
        """Say if the mode bits let this user do `wanted` (r=4, w=2, x=1) and walk to `path`.

        Folders that are not there yet are no hindrance: they are made so that they can be walked.
        """
        return all(
            self._allows(step, stat.S_IXOTH) for step in reversed(path.parents)
        ) and self._allows(path, wanted)

    def _allows(self, path: Path, wanted: int) -> bool:
        try:
            found = path.stat()
        except FileNotFoundError:
            return True
        except PermissionError:
            return False
        if found.st_uid == self.uid:
            return (found.st_mode >> 6) & wanted == wanted
        if found.st_gid == self.gid:
            return (found.st_mode >> 3) & wanted == wanted
        return found.st_mode & wanted == wanted


@dataclass(frozen=True, kw_only=True)
class Places:
    """Everything that follows from the state folder: pure, nothing is made or started."""

    state: Path
    account: Account
    servers: Path  # all files of the servers; belongs to the account, mode 0700
    sockets: Path  # the same folder's run/, or a short one where that path is too long

    @classmethod
    def of(cls, state: Path | None) -> "Places":
        state = (state or default_state()).absolute()
        servers = state / "servers"
        account = _account(servers)
        if not account.is_me and not account.may(state, stat.S_IXOTH):
            servers = SYSTEM_STATE / _short_hash(state)
            account = _account(servers)
        sockets = servers / "run"
        if len(os.fsencode(sockets)) > LONGEST_SOCKET_FOLDER:
            # Not tempfile's folder: every process must come to the same, whatever its TMPDIR. That
            # it is ours is checked when it is used.
            sockets = Path(f"/tmp/liveshop-{account.uid}-{_short_hash(servers)}")  # noqa: S108
        return cls(state=state, account=account, servers=servers, sockets=sockets)

    @property
    def database(self) -> Path:
        return self.servers / "postgres"

    @property
    def keeper_socket(self) -> Path:
        return self.sockets / "keeper.sock"

    @property
    def valkey_socket(self) -> Path:
        return self.sockets / "valkey.sock"

    @property
    def urls(self) -> Urls:
        return Urls(
            database=f"postgresql://liveshop@/liveshop?host={quote(str(self.sockets), safe='')}",
            redis=f"unix://{quote(str(self.valkey_socket))}?db=0",
        )

    def make(self) -> None:
        """Make the folders; only the account may look into those of the servers.

        :raises EmbeddedError: they can't be made or belong to somebody else
        """
        mask = os.umask(0o022)  # a stricter one would lock the servers' user out
        try:
            for folder in _missing(self.state):
                folder.mkdir(exist_ok=True)
                hand_to_caller(folder)
            for folder in _missing(self.servers.parent):
                folder.mkdir(exist_ok=True)
            with _locked(self.state):  # of those that start at once, one makes and owns them
                self._make_private(self.servers)
                self._make_private(self.sockets)
        except OSError as error:
            raise EmbeddedError(
                f"The folder for the embedded servers can't be made: {error}. "
                "Set LIVESHOP_STATE to a folder that you may write to."
            ) from error
        finally:
            os.umask(mask)

    def _make_private(self, folder: Path) -> None:
        try:
            folder.mkdir(mode=0o700)
            own(folder, self.account)
        except FileExistsError:
            owner = folder.lstat().st_uid
            if owner != self.account.uid:
                raise EmbeddedError(
                    f"{folder} belongs to the user {_name(owner)}, not to "
                    f"{_name(self.account.uid)}. Run this as the user who made it, or set "
                    "LIVESHOP_STATE to another folder."
                ) from None


def default_state() -> Path:
    """Return the state folder that the environment names, or the project's own."""
    named = os.environ.get("LIVESHOP_STATE")
    return Path(named) if named else PROJECT / ".liveshop"


def urls(state: Path | None = None) -> Urls:
    """Return where the embedded servers of this state folder listen; starts nothing."""
    return Places.of(state).urls


def own(path: Path, account: Account) -> None:
    """Give a folder that root made to the account."""
    if os.geteuid() == 0 and not account.is_me:
        os.chown(path, account.uid, account.gid, follow_symlinks=False)


def open_owned(path: Path, account: Account) -> IO[bytes]:
    """Open one of the servers' files to append to, and give it to the account.

    A link in its place is refused: who runs the servers may put one there, and root would give
    away the file that it leads to.

    :raises EmbeddedError: it is a link, or can't be opened
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        number = os.open(path, flags, 0o600)
    except OSError as error:
        raise EmbeddedError(f"{path} can't be opened: {error.strerror}. Remove it.") from error
    if os.geteuid() == 0 and not account.is_me:
        os.fchown(number, account.uid, account.gid)
    return os.fdopen(number, "ab")


def hand_to_caller(path: Path) -> None:
    """Give a file that was made under sudo to the caller, who may go on without sudo later."""
    if os.geteuid() == 0 and (caller := int(os.environ.get("SUDO_UID", "0"))):
        os.chown(path, caller, int(os.environ.get("SUDO_GID", "-1")), follow_symlinks=False)


def _account(servers: Path) -> Account:
    """Return as whom the servers run: never as root."""
    if os.geteuid() != 0:
        return Account(uid=os.geteuid(), gid=os.getegid())
    try:
        owner = servers.stat()
    except OSError:
        pass
    else:
        if owner.st_uid != 0:
            return Account(uid=owner.st_uid, gid=owner.st_gid)
    caller = int(os.environ.get("SUDO_UID", "0"))
    if caller != 0:
        return Account(uid=caller, gid=int(os.environ.get("SUDO_GID", "65534")))
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(uid=entry.pw_uid, gid=entry.pw_gid)
    raise EmbeddedError(
        "PostgreSQL refuses to run as root, and this machine has no user postgres or nobody to "
        "run it as. Run this as an ordinary user."
    )


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    number = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(number, fcntl.LOCK_EX)
        yield
    finally:
        os.close(number)


def _missing(folder: Path) -> Iterator[Path]:
    """Yield the folders that have to be made for `folder` to be there, the outermost first."""
    yield from [step for step in (*reversed(folder.parents), folder) if not step.exists()]


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _short_hash(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
