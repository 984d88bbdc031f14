"""manage.py import_feed SHOP FILE [--dry-run]: bring a Shopify product CSV into a shop."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from shops.catalog.models import Shop
from shops.feeds.reading import FeedUnreadable
from shops.feeds.services import Outcome, import_feed, preview_feed

_SHOWN = 200


class Command(BaseCommand):
    help = "Bring the products of a Shopify product CSV into a shop."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("shop", metavar="SHOP", help="the shop's slug, as in its address")
        parser.add_argument("file", metavar="FILE", type=Path, help="a product CSV in UTF-8")
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would be done, change nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        shop = Shop.objects.filter(slug=options["shop"]).first()
        if shop is None:
            raise CommandError(f"there is no shop {options['shop']!r}")
        path: Path = options["file"]
        now = timezone.now()
        try:
            with path.open("rb") as file:
                if options["dry_run"]:
                    outcome = preview_feed(shop=shop, file=file, now=now)
                else:
                    outcome = import_feed(shop=shop, file=file, file_name=path.name, now=now)
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}") from None
        except FeedUnreadable as refused:
            raise CommandError(f"{path.name}: {refused}") from None
        self._report(outcome, dry_run=options["dry_run"])
        if not outcome.taken:
            raise CommandError("nothing could be imported")

    def _report(self, outcome: Outcome, *, dry_run: bool) -> None:
        for error in outcome.errors[:_SHOWN]:
            place = f"line {error.line}, {error.handle or '(no handle)'}"
            column = f", {error.column}" if error.column else ""
            self.stderr.write(f"{place}{column}: {error.reason}")
        if len(outcome.errors) > _SHOWN:
            self.stderr.write(f"… and {len(outcome.errors) - _SHOWN} more errors")
        self.stdout.write(
            f"{'would be ' if dry_run else ''}done: {outcome.rows} rows, "
            f"{outcome.products} products: {outcome.created} created, "
            f"{outcome.updated} updated, {outcome.unchanged} unchanged, "
            f"{outcome.rejected} rejected"
        )
