"""Reads of past imports."""

from django.db.models import Count, QuerySet

from shops.catalog.models import Shop
from shops.facts.refused import NotFound
from shops.feeds.models import FeedError, FeedImport


def imports_of(*, shop: Shop) -> QuerySet[FeedImport]:
    """List a shop's imports, newest first, each with `error_count`."""
    rows = FeedImport.objects.filter(shop=shop).annotate(error_count=Count("errors"))
    return rows.order_by("-id")


def import_of(*, shop: Shop, import_id: int) -> FeedImport:
    """Find one import of a shop.

    :raises NotFound: the shop has no such import
    """
    row = FeedImport.objects.filter(shop=shop, pk=import_id).first()
    if row is None:
        raise NotFound
    return row


def errors_of(*, feed_import: FeedImport) -> QuerySet[FeedError]:
    return FeedError.objects.filter(feed_import=feed_import).order_by("line", "id")
