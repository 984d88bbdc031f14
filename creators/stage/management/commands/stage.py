"""Serve the site with the stage's own websocket protocol: the realtime process in production."""

import asyncio
import gc
import logging
import socket
import time
from argparse import ArgumentParser
from typing import Any, Final

import uvicorn
import uvloop
from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils.module_loading import import_string

from creators.stage.fast.native import RoomProtocol
from creators.stage.hub import hub_here
from creators.stage.wire import MAX_INBOUND_BYTES
from shops.facts.serving import Server, allow_many_connections, bind, started, until_stopped

log = logging.getLogger(__name__)

# Sockets are told at once, over a second or two; this is for requests that are still answered.
_REQUESTS_END_WITHIN_S: Final = 10

# So many objects more than before, and the collector looks for those that hold each other.
_NEW_BEFORE_A_LOOK: Final = 20_000


class Command(BaseCommand):
    help = "Serve the site; its websockets by the fast path. One process uses one core."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="where browsers are listened for")
        parser.add_argument("--port", type=int, default=8003)

    def handle(self, *_args: Any, **options: Any) -> None:
        allow_many_connections()
        door = bind(options["host"], options["port"], "--port")
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._serve(door))
        finally:
            door.close()

    async def _serve(self, door: socket.socket) -> None:
        server = Server(
            uvicorn.Config(
                import_string(settings.ASGI_APPLICATION),
                http="httptools",
                ws=RoomProtocol,
                # For what goes to uvicorn's own class.
                ws_max_size=MAX_INBOUND_BYTES,
                ws_per_message_deflate=False,
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                # TRUSTED_PROXIES says whom to believe.
                proxy_headers=False,
                timeout_graceful_shutdown=_REQUESTS_END_WITHIN_S,
                backlog=4096,
            )
        )
        stopping = until_stopped()
        serving = asyncio.create_task(server.serve(sockets=[door]))
        if await started(server, serving):
            # What was loaded stays: the collector need not look at it in the midst of a show. What
            # requests leave behind is mostly gone without it, so it need not look all the time.
            gc.collect()
            gc.freeze()
            gc.set_threshold(_NEW_BEFORE_A_LOOK, 20, 20)
            address, port = door.getsockname()[:2]
            self.stdout.write(f"The stage serves http://{address}:{port}/")
            self.stdout.flush()
        waiting = asyncio.create_task(stopping.wait())
        await asyncio.wait({waiting, serving}, return_when=asyncio.FIRST_COMPLETED)
        began = time.monotonic()
        server.should_exit = True
        await serving
        waiting.cancel()
        await hub_here().close()
        log.info("the stage is closed after %.1f s", time.monotonic() - began)
