"""Serve the whole site with demo data from one command."""

import fcntl
import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import sys
import time
from argparse import ArgumentParser
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from creators.stage.wire import MAX_INBOUND_BYTES
from liveshop import embedded
from liveshop.embedded.children import die_with_parent
from liveshop.embedded.places import PROJECT, Places, hand_to_caller
from liveshop.embedded.supervisor import Child, ChildFailed, Supervisor

CAST = {
    "alice": "viewer",
    "bob": "creator",
    "carol": "seller",
    "dave": "brand",
    "erin": "moderator",
    "olga": "operator",
}
WEB_SECONDS = 60.0
# In the state folder: bob's stream key, for the demo's own camera.
KEY_FILE = "demo-stream-key"
# The origin's options, the settings that say them to everybody, and the ports they usually have.
_DOORS = (("port", "ORIGIN_URL", 8002), ("rtmp-port", "RTMP_URL", 1935))
MANAGE = (sys.executable, str(PROJECT / "manage.py"))


class Stopped(Exception):
    """Somebody asked the demo to stop."""


class Command(BaseCommand):
    help = "Serve the site with demo data and a lively show, until Ctrl-C."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument(
            "--reset", action="store_true", help="forget the demo's data and start afresh"
        )
        parser.add_argument(
            "--only-data",
            action="store_true",
            help="just migrate the database and load the demo data that is not there yet",
        )
        parser.add_argument("--no-crowd", action="store_true", help="leave the simulated crowd out")
        parser.add_argument(
            "--no-camera",
            action="store_true",
            help="leave out the picture of the show, and the recording of a past one",
        )
        parser.add_argument(
            "--with-parent",
            action="store_true",
            help="stop when the calling program (make) is gone",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["only_data"]:
            self._load_data()
            return
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _on_signal)
        if options["with_parent"]:
            die_with_parent(signal.SIGTERM, parent=os.getppid())
        try:
            self._serve(
                port=options["port"],
                reset=options["reset"],
                has_crowd=not options["no_crowd"],
                has_camera=not options["no_camera"],
            )
        except Stopped:
            self._say("liveshop has stopped.")
        except (embedded.EmbeddedError, ChildFailed) as error:
            raise CommandError(str(error)) from error

    def _load_data(self) -> None:
        call_command("migrate", interactive=False, verbosity=1)
        call_command("seed_demo")  # leaves alone what is there

    def _serve(self, *, port: int, reset: bool, has_crowd: bool, has_camera: bool) -> None:
        url = f"http://127.0.0.1:{port}"
        places = Places.of(None)
        places.make()
        with _only_one(places.state, url):
            _check_is_free(port)
            if reset:
                self._reset(places.state)
                places.make()
            # Mails hold links that change passwords: for the owner's eyes, as the password is.
            for name in ("logs", "mail", "sandbox"):
                folder = places.state / name
                folder.mkdir(exist_ok=True)
                folder.chmod(0o700)
                hand_to_caller(folder)
            logs = places.state / "logs"
            with ExitStack() as stack:
                lease = None
                if not (os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL")):
                    self._say("Starting PostgreSQL and Valkey …")
                    lease = stack.enter_context(embedded.lease())
                environment = _environment(places, url)
                supervisor = stack.enter_context(
                    Supervisor(cwd=PROJECT, env=environment, say=self._say)
                )
                self._start(supervisor, environment=environment, logs=logs, port=port)
                if has_crowd:
                    supervisor.start(_crowd(url, logs))
                if has_camera:
                    supervisor.start(_child("camera", logs, *MANAGE, "demo_camera"))
                self._say_ready(url, environment["DEMO_PASSWORD"], places.state)
                if has_camera:
                    command = (*MANAGE, "demo_recording")
                    supervisor.start(_child("recording", logs, *command, may_finish=True))
                while True:
                    supervisor.tend()
                    if lease is not None and lease.is_lost:
                        self._say("PostgreSQL and Valkey were stopped from outside; starting them")
                        lease.close()
                        lease = stack.enter_context(embedded.lease())
                    time.sleep(0.2)

    def _start(
        self, supervisor: Supervisor, *, environment: dict[str, str], logs: Path, port: int
    ) -> None:
        self._say("Setting up the database and the demo data …")
        supervisor.run(_child("demo data", logs, *MANAGE, "demo", "--only-data"))
        self._say("Starting the site …")
        sandbox_port = environment["PAYMENTS_SANDBOX_URL"].rsplit(":", 1)[1]
        sandbox = ("-m", "shops.payments.sandbox", "--port", sandbox_port)
        supervisor.start(_child("payment sandbox", logs, sys.executable, *sandbox))
        daphne = ["-m", "daphne", "-v", "0", "-b", "127.0.0.1", "-p", str(port)]
        daphne += ["--application-close-timeout", "1"]  # Ctrl-C is not to wait for open sockets
        daphne += ["--websocket-max-message-size", str(MAX_INBOUND_BYTES)]
        web = _child("web", logs, sys.executable, *daphne, "liveshop.asgi:application")
        supervisor.start(web)
        supervisor.start(_child("worker", logs, *MANAGE, "worker", "--concurrency", "3"))
        wait_for_site(web, port)
        # The picture comes when it comes: the site does not need it.
        ports = [
            f"--{option}={urlsplit(environment[name]).port or default}"
            for option, name, default in _DOORS
        ]
        supervisor.start(_child("origin", logs, *MANAGE, "origin", *ports))

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()

    def _say_ready(self, url: str, password: str, state: Path) -> None:
        self._say(f"\nliveshop is ready at {url}")
        accounts = ", ".join(f"{name}@demo.example ({role})" for name, role in CAST.items())
        self._say(f"Sign in as {accounts}")
        self._say(f"with the password {password} (kept in {state / 'demo-password'}).")
        self._say("Ctrl-C stops it.")

    def _reset(self, state: Path) -> None:
        if os.environ.get("DATABASE_URL"):
            raise CommandError(
                "DATABASE_URL is set: only the demo's own database can be forgotten here. "
                "Unset it, or empty that database yourself."
            )
        self._say("Forgetting the demo's data …")
        embedded.reset(state)
        for name in ("logs", "mail", "media", "origin", "recordings", "sandbox"):
            shutil.rmtree(state / name, ignore_errors=True)
        for name in ("demo-password", "demo-secrets", KEY_FILE):
            (state / name).unlink(missing_ok=True)


def _on_signal(_number: int, _frame: FrameType | None) -> None:
    # Once is enough: what follows is the orderly end.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    raise Stopped


@contextmanager
def _only_one(state: Path, url: str) -> Iterator[None]:
    """Hold the state folder for this demo.

    :raises CommandError: another demo runs on it
    """
    path = state / "demo.lock"
    path.touch()
    hand_to_caller(path)
    with path.open("r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            where = file.read().strip() or "another address"
            raise CommandError(
                f"The demo is running already, at {where}. Stop it there with Ctrl-C first, or set "
                "LIVESHOP_STATE to another folder for a second one."
            ) from None
        file.truncate()
        file.write(url)
        file.flush()
        yield


def _check_is_free(port: int) -> None:
    with socket.socket() as door:
        # As a server does it: a connection that is still closing is no hindrance.
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            raise CommandError(
                f"Port {port} of this machine can't be used ({error}): perhaps another program "
                f"serves there. Choose another one, such as make demo PORT={port % 60000 + 1}."
            ) from None


def _environment(places: Places, url: str) -> dict[str, str]:
    """Return the environment of the demo's processes, with secrets that the state folder keeps."""
    kept = json.loads(
        _kept(
            places.state / "demo-secrets",
            lambda: json.dumps(
                {
                    "SECRET_KEY": secrets.token_urlsafe(48),
                    "PAYMENTS_SANDBOX_SECRET": "whsec_"
                    + b64encode(secrets.token_bytes(32)).decode(),
                }
            ),
        )
    )
    origin, rtmp, sandbox = _ports(*(default for _option, _name, default in _DOORS), 0)
    return {
        **kept,
        "ORIGIN_URL": f"http://127.0.0.1:{origin}",
        "RTMP_URL": f"rtmp://127.0.0.1:{rtmp}/live",
        **os.environ,
        "DATABASE_URL": os.environ.get("DATABASE_URL") or places.urls.database,
        "REDIS_URL": os.environ.get("REDIS_URL") or places.urls.redis,
        "DEMO_PASSWORD": _kept(
            places.state / "demo-password",
            lambda: os.environ.get("DEMO_PASSWORD") or secrets.token_urlsafe(9),
        ),
        "DJANGO_SETTINGS_MODULE": "liveshop.settings",
        "LIVESHOP_ENV": "demo",
        "LIVESHOP_STATE": str(places.state),
        "PAYMENTS_SANDBOX_URL": f"http://127.0.0.1:{sandbox}",
        "PYTHONUNBUFFERED": "1",
        "SITE_URL": url,
    }


def _ports(*wanted: int) -> list[int]:
    """Return these ports where they are free, others where not (0: any)."""
    found = []
    with ExitStack() as stack:
        for port in wanted:
            door = stack.enter_context(socket.socket())
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                door.bind(("127.0.0.1", port))
            except OSError:
                door.bind(("127.0.0.1", 0))
            found.append(door.getsockname()[1])
    return found


def _child(name: str, logs: Path, *command: str, may_finish: bool = False) -> Child:
    log = logs / f"{name.replace(' ', '-')}.log"
    return Child(name=name, command=command, log=log, may_finish=may_finish)


def _crowd(url: str, logs: Path) -> Child:
    return _child("crowd", logs, *MANAGE, "crowd", "--url", url, "--host", may_finish=True)


def _kept(path: Path, make: Callable[[], str]) -> str:
    """Return the file's text; make it first when it is not there, for its owner's eyes only."""
    if not path.exists():
        fresh = path.with_name(f"{path.name}.new")
        fresh.unlink(missing_ok=True)
        number = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(number, "w") as file:
            file.write(make() + "\n")
        hand_to_caller(fresh)
        fresh.rename(path)
    return path.read_text().strip()


def wait_for_site(web: Child, port: int) -> None:
    """Return when the site answers.

    :raises ChildFailed: its process ended, or it answers with errors only, or not at all
    """
    deadline = time.monotonic() + WEB_SECONDS
    found = "nothing"
    while time.monotonic() < deadline:
        if not web.is_running:
            raise ChildFailed(f"The site did not start. The end of {web.log}:\n{web.last_words()}")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", "/")
            status = connection.getresponse().status
            if status < 500:
                return
            found = f"status {status}"
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.1)
    raise ChildFailed(
        f"The site was not ready within {WEB_SECONDS:.0f} seconds; its last answer was {found}. "
        f"The end of {web.log}:\n{web.last_words()}"
    )
