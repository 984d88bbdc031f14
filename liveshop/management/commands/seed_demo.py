"""Load the demo's data: people, shops, past shows with their sales, and one show that is on."""

import os
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from creators.scoring.services import recompute
from liveshop.demo import parcels, people, prices, shows, trade
from liveshop.demo.catalogue import SHOPS, seed_catalogue
from liveshop.demo.provider import sandbox
from shops.feeds.models import FeedImport


class Command(BaseCommand):
    help = "Load the demo's data that is not there yet; DEMO_PASSWORD is everybody's password."

    def handle(self, *_args: Any, **_options: Any) -> None:
        password = os.environ.get("DEMO_PASSWORD", "")
        if len(password) < 8:
            raise CommandError("DEMO_PASSWORD must be set, with at least 8 characters.")
        now = datetime.now(UTC)
        people.seed_people(password=password, now=now)
        people.seed_categories()
        # Only once: the feeds' stock would undo what carol counted since.
        imported = FeedImport.objects.filter(shop__slug__in=[shop.slug for shop in SHOPS])
        if imported.values("shop").distinct().count() < len(SHOPS):
            seed_catalogue(now=now)
        creators = people.seed_creators(now=now)
        played = shows.seed_past(creators, now=now)
        if played:
            with sandbox():
                paid = shows.seed_audience(played)
                sent = parcels.seed_parcels(now=now)
                shows.seed_refund(now=now)
                trade.seed_trade(now=now)
            self.stdout.write(
                f"{len(played)} past shows with {paid} paid orders in {sent} parcels so far"
            )
        prices.seed_prices()
        session = shows.keep_one_live(creators, now=now)
        shows.keep_upcoming(creators, now=now)
        recompute(creator_ids=None, now=now)
        self.stdout.write(f"“{session.piece.title}” is live")
