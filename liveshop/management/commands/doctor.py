"""Look whether everything that must hold of goods and money does, and say what is off."""

import sys
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any, Final

from django.core.management.base import BaseCommand
from django.db import connection, transaction

from shops.checkout import checks as checkout
from shops.facts import checks as facts
from shops.facts.checking import Check
from shops.ledger import checks as ledger
from shops.orders import checks as orders
from shops.payments import checks as payments
from shops.payouts import checks as payouts
from shops.returns import checks as returns
from shops.stock import checks as stock


def _books(now: datetime) -> Iterator[str]:
    return ledger.off()


def _payouts(now: datetime) -> Iterator[str]:
    return payouts.off(now=now)


CHECKS: Final[Mapping[str, Mapping[str, Check]]] = {
    "stock": stock.CHECKS,
    "orders": orders.CHECKS,
    "checkout": checkout.CHECKS,
    "payments": payments.CHECKS,
    "returns": returns.CHECKS,
    "ledger": {"journals sum to zero, checkpoints are the sum of entries": _books},
    "payouts": {"settlements, reserves and payouts are in the books": _payouts},
    "outbox": facts.CHECKS,
}
# Of each check that many are printed, and how many there are.
_SHOWN: Final = 20


class Command(BaseCommand):
    help = (
        "Look whether everything that must hold of stock, orders, payments and books does, and"
        " print what is off. Changes nothing; the exit code is 1 when something is off."
    )
    # What it finds is about rows, not about the code.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--all", action="store_true", help=f"print everything, not the first {_SHOWN} of each"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        # One snapshot: sales go on meanwhile, and all checks look at the same instant.
        with transaction.atomic(durable=True), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            # Everything is fetched, so the first rows need not come quickly.
            cursor.execute("SET LOCAL cursor_tuple_fraction = 1")
            cursor.execute("SELECT statement_timestamp()")
            [(now,)] = cursor.fetchall()
            off = sum(
                self._look(room, name, check(now), most=None if options["all"] else _SHOWN)
                for room, checks in CHECKS.items()
                for name, check in checks.items()
            )
        if off:
            things = "1 thing is off." if off == 1 else f"{off} things are off."
            self.stdout.write(self.style.ERROR(things))
            sys.exit(1)
        self.stdout.write(self.style.SUCCESS("Everything holds."))

    def _look(self, room: str, name: str, found: Iterator[str], *, most: int | None) -> int:
        """Print what a check finds; returns how much that is."""
        shown = list(islice(found, most))
        more = sum(1 for _ in found)
        if not shown:
            self.stdout.write(f"ok   {room}: {name}")
            return 0
        self.stdout.write(self.style.ERROR(f"OFF  {room}: {name}"))
        for sentence in shown:
            self.stdout.write(f"       {sentence}")
        if more:
            self.stdout.write(f"       … and {more} more")
        return len(shown) + more
