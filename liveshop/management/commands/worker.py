"""Do the queued jobs, behind those who serve people."""

import os
from argparse import ArgumentParser
from typing import Any, Final

from django.core.management import call_command
from django.core.management.base import BaseCommand

# Receipts, books and scores may be late by what a rush takes; who stands at the till may not.
_NICENESS: Final = 10


class Command(BaseCommand):
    help = "Do the queued jobs, with what the processes that serve people leave of the machine."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--concurrency", type=int, default=1, help="jobs at a time")

    def handle(self, *, concurrency: int, **_options: Any) -> None:
        os.nice(_NICENESS)
        call_command("procrastinate", "worker", "--concurrency", str(concurrency))
