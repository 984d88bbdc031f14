"""What came of each feed import: counts, and the errors by line."""

from django.db import models
from django.db.models.functions import Now


class FeedImport(models.Model):
    """One finished import of a feed file into a shop."""

    shop = models.ForeignKey("catalog.Shop", on_delete=models.PROTECT, related_name="imports")
    file_name = models.CharField(max_length=255)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(db_default=Now())
    products_created = models.PositiveIntegerField(default=0)
    products_updated = models.PositiveIntegerField(default=0)
    products_unchanged = models.PositiveIntegerField(default=0)
    products_rejected = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.file_name} into {self.shop_id}"


class FeedError(models.Model):
    """One line of a feed that could not be taken, and why."""

    feed_import = models.ForeignKey(FeedImport, on_delete=models.CASCADE, related_name="errors")
    line = models.PositiveIntegerField()
    handle = models.CharField(max_length=255, blank=True)
    column = models.CharField(max_length=80, blank=True)
    reason = models.CharField(max_length=300)

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"
