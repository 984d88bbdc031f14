"""Real exports of Shopify come in cleanly, and a second time change nothing."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from shops.catalog.models import Product, ProductImage, Sku
from shops.facts.models import Event
from shops.feeds.models import FeedError, FeedImport
from shops.stock.models import Stock

pytestmark = pytest.mark.django_db
FEEDS = Path(__file__).parents[4] / "shared" / "data" / "feeds"
FILES = sorted(FEEDS.glob("*.csv"))


def contents():
    return {
        "products": list(Product.objects.order_by("id").values()),
        "skus": list(Sku.objects.order_by("id").values()),
        "images": list(ProductImage.objects.order_by("id").values()),
        "stock": list(Stock.objects.order_by("pk").values()),
        "events": Event.objects.exclude(kind="FeedImported").count(),
    }


@pytest.mark.skipif(not FILES, reason=f"no real feeds in {FEEDS.name} beside the project")
@pytest.mark.parametrize("file", FILES, ids=lambda path: path.stem)
def test_twenty_products_each_and_a_rerun_changes_nothing(shop, file):
    out = StringIO()

    call_command("import_feed", shop.slug, file, stdout=out)
    first = contents()
    with CaptureQueriesContext(connection) as second_run:
        call_command("import_feed", shop.slug, file, stdout=out)

    assert len(first["products"]) == 20
    assert not FeedError.objects.exists()
    assert contents() == first
    written = [
        sql.split()[2].strip('"')
        for sql in (query["sql"].strip() for query in second_run)
        if sql.startswith(("UPDATE", "INSERT", "DELETE"))
    ]
    assert written == ["feeds_feedimport", "facts_event"]
    latest = FeedImport.objects.latest("id")
    assert (latest.products_created, latest.products_unchanged) == (0, 20)
    assert "20 products: 20 created" in out.getvalue()
    assert "20 products: 0 created, 0 updated, 20 unchanged, 0 rejected" in out.getvalue()
