"""Qualified views and product clicks: one per viewer, piece and day."""

from django.db import models
from django.db.models.functions import Now


class QualifiedView(models.Model):
    """At least 5 s watched; `viewer` is "u:<user id>" or "a:<hash of the browser's session>"."""

    piece = models.ForeignKey(
        "pieces.Piece", on_delete=models.PROTECT, related_name="qualified_views"
    )
    viewer = models.CharField(max_length=70)
    day = models.DateField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["piece", "viewer", "day"], name="audience_view_once_a_day"
            )
        ]

    def __str__(self) -> str:
        return f"{self.viewer} saw {self.piece_id} on {self.day}"


class ProductClick(models.Model):
    """A viewer opened a product from a piece."""

    piece = models.ForeignKey(
        "pieces.Piece", on_delete=models.PROTECT, related_name="product_clicks"
    )
    product = models.ForeignKey("catalog.Product", on_delete=models.PROTECT, related_name="clicks")
    viewer = models.CharField(max_length=70)
    day = models.DateField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["piece", "product", "viewer", "day"], name="audience_click_once_a_day"
            )
        ]

    def __str__(self) -> str:
        return f"{self.viewer} clicked {self.product_id} in {self.piece_id}"
