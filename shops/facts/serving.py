"""What long-running servers need of the system: a port, many files, signals of their own."""

import asyncio
import contextlib
import resource
import signal
import socket
from collections.abc import Iterator

import uvicorn
from django.core.management.base import CommandError


class Server(uvicorn.Server):
    """uvicorn's, which leaves signals to whoever runs it: that has more to end than this."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def bind(host: str, port: int, option: str) -> socket.socket:
    """Return a socket that is bound there; `option` names the port's option.

    :raises CommandError: the port can't be used; the text says what to do
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    door = socket.socket(family, socket.SOCK_STREAM)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        door.bind((host, port))
    except (OSError, OverflowError) as error:
        door.close()
        raise CommandError(
            f"{host}:{port} can't be listened on ({error}): perhaps another program serves there. "
            f"Choose another port with {option}."
        ) from None
    return door


def allow_many_connections() -> None:
    """Raise this process's limit of open files as far as the system lets it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def until_stopped() -> asyncio.Event:
    """Return what is set when this process is asked to end."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stopping.set)
    return stopping


async def started(server: uvicorn.Server, serving: "asyncio.Task[None]") -> bool:
    """Wait until a server takes connections; False when it ended instead."""
    while not server.started and not serving.done():
        await asyncio.sleep(0.01)
    return bool(server.started)
