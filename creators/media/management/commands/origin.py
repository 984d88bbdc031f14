"""Serve video: take in encoders and cameras, send out LL-HLS, keep what is on the air."""

import asyncio
import contextlib
import fcntl
import logging
import os
import socket
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Final

import uvicorn
import uvloop
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from creators.media.hls.door import protocol_for
from creators.media.rtmp.server import serve as serve_rtmp
from creators.media.station import Station
from shops.facts.serving import Server, allow_many_connections, bind, started, until_stopped

log = logging.getLogger(__name__)

# Who watches holds a request open nearly all the time; at the end they are cut short.
_REQUESTS_END_WITHIN_S: Final = 1
_RTMP_ENDS_WITHIN_S: Final = 1.0
_LARGEST_MESSAGE: Final = 1 << 20
_FREE_WITHIN_S: Final = 5.0


class Command(BaseCommand):
    help = "Serve live video: RTMP and cameras in, LL-HLS out."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="where players are listened for")
        parser.add_argument("--port", type=int, default=8002)
        parser.add_argument(
            "--rtmp-host", default="", help="where encoders are listened for (default: --host)"
        )
        parser.add_argument("--rtmp-port", type=int, default=1935)

    def handle(self, *_args: Any, **options: Any) -> None:
        host, port = options["host"], options["port"]
        rtmp_host, rtmp_port = options["rtmp_host"] or host, options["rtmp_port"]
        allow_many_connections()
        door = bind(host, port, "--port")
        folder = None
        try:
            # RTMP's server binds by itself, later: this is only to say early what would hinder it.
            bind(rtmp_host, rtmp_port, "--rtmp-port").close()
            folder = _hold(settings.ORIGIN_DIR)
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._serve(door, rtmp_host=rtmp_host, rtmp_port=rtmp_port))
        finally:
            door.close()
            if folder is not None:
                os.close(folder)

    async def _serve(self, door: socket.socket, *, rtmp_host: str, rtmp_port: int) -> None:
        station = Station()
        config = uvicorn.Config(
            station.app,
            http=protocol_for(station.app),
            ws="websockets-sansio",
            ws_max_size=_LARGEST_MESSAGE,
            # Pictures are compressed already: cameras would do it again for nothing.
            ws_per_message_deflate=False,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_REQUESTS_END_WITHIN_S,
            backlog=2048,
        )
        server = Server(config)
        encoders = await serve_rtmp(station.desk, host=rtmp_host, port=rtmp_port)
        stopping = until_stopped()
        station.start()
        serving = asyncio.create_task(server.serve(sockets=[door]))
        await started(server, serving)
        address, port = door.getsockname()[:2]
        rtmp_port = encoders.sockets[0].getsockname()[1]
        self.stdout.write(
            f"The origin serves http://{address}:{port}/ and takes rtmp://{rtmp_host}:{rtmp_port}/live"
        )
        self.stdout.flush()
        waiting = asyncio.create_task(stopping.wait())
        await asyncio.wait({waiting, serving}, return_when=asyncio.FIRST_COMPLETED)
        began = time.monotonic()
        encoders.close()
        server.should_exit = True
        await station.stop()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_RTMP_ENDS_WITHIN_S):
                await encoders.wait_closed()
        await serving
        waiting.cancel()
        log.info("the origin is closed after %.1f s", time.monotonic() - began)


def _hold(folder: Path) -> int:
    """Return a file of the folder that this process alone has locked, as long as it is open.

    :raises CommandError: another origin works there: each would take the other's streams for lost
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    began = time.monotonic()
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            # One that is just being stopped is waited for.
            if time.monotonic() - began > _FREE_WITHIN_S:
                os.close(file)
                raise CommandError(
                    f"Another origin works in {folder}. Give each its own, by ORIGIN_DIR."
                ) from None
            time.sleep(0.1)
        except OSError as error:
            log.warning("it can't be seen whether another origin works in %s: %s", folder, error)
            return file
        else:
            return file
