"""manage.py sweep_holds: free the units of holds that ran out (the worker does it each minute)."""

from typing import Any

from django.core.management.base import BaseCommand

from shops.stock.tasks import sweep


class Command(BaseCommand):
    help = "Free the units of holds that ran out."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{sweep()} holds expired")
