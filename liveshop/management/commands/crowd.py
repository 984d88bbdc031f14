"""Simulated viewers of the demo, in a process of their own, over the site's real doors."""

import asyncio
import contextlib
import logging
import os
import random
import signal
from argparse import ArgumentParser
from typing import Any
from urllib.parse import urlsplit

from django.core.management.base import BaseCommand, CommandError

from liveshop.demo.crowd import Crowd, Plan
from liveshop.demo.host import Host
from liveshop.demo.people import CROWD_SIZE
from liveshop.embedded.children import die_with_parent

LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class Command(BaseCommand):
    help = "Let simulated viewers chat, like and buy in the show that is live on this machine."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--url", required=True, help="the site, on this machine")
        parser.add_argument("--viewers", type=int, default=CROWD_SIZE)
        parser.add_argument("--seconds", type=float, help="stop after that long")
        parser.add_argument("--buy-every", type=float, default=15.0, help="seconds, on average")
        parser.add_argument("--chat-every", type=float, default=2.5, help="seconds, on average")
        parser.add_argument(
            "--host",
            action="store_true",
            help="bob pins the next product now and then, and carol refills empty shelves",
        )
        parser.add_argument("--pin-every", type=float, default=40.0, help="seconds, on average")

    def handle(self, *_args: Any, **options: Any) -> None:
        address = urlsplit(options["url"])
        if address.scheme != "http" or address.hostname not in LOOPBACK:
            raise CommandError("The crowd only goes to a site on this machine (http://127.0.0.1).")
        if not 1 <= options["viewers"] <= CROWD_SIZE:
            raise CommandError(f"--viewers must be 1 to {CROWD_SIZE}.")
        if min(options["buy_every"], options["chat_every"], options["pin_every"]) < 0.05:
            raise CommandError("Nobody is that fast: at least 0.05 seconds.")
        password = os.environ.get("DEMO_PASSWORD", "")
        if not password:
            raise CommandError("DEMO_PASSWORD must be set: the crowd signs in with it.")
        logging.getLogger("httpx").setLevel(logging.WARNING)
        logging.getLogger("websockets").setLevel(logging.WARNING)
        die_with_parent(signal.SIGTERM, parent=os.getppid())
        plan = Plan(
            url=options["url"],
            password=password,
            viewers=options["viewers"],
            buy_every=options["buy_every"],
            chat_every=options["chat_every"],
            pin_every=options["pin_every"],
        )
        asyncio.run(_until_told(plan, options["seconds"], with_host=options["host"]))


async def _until_told(plan: Plan, seconds: float | None, *, with_host: bool) -> None:
    """Run the crowd until a signal comes or the time is over."""
    crowd = Crowd(plan, dice=random.Random())  # noqa: S311  # chatter, no secrets
    everybody = [crowd.run(), Host(crowd).run()] if with_host else [crowd.run()]
    running = asyncio.gather(*everybody)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, running.cancel)
    if seconds is not None:
        loop.call_later(seconds, running.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await running
    await crowd.close()
