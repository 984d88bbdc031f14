"""A piece of content: a live session or a short video, and the products it shows."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Piece(models.Model):
    class Kind(models.TextChoices):
        LIVE = "live", _("Live show")
        VIDEO = "video", _("Video")

    kind = models.CharField(max_length=5, choices=Kind)
    creator = models.ForeignKey("profiles.Creator", on_delete=models.PROTECT, related_name="pieces")
    category = models.ForeignKey(
        "catalog.Category", null=True, on_delete=models.SET_NULL, related_name="pieces"
    )
    title = models.CharField(max_length=120)
    language = models.CharField(max_length=5, default="en")
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.title


class PieceProduct(models.Model):
    """A product that a piece shows: the shopping bag of a show. Removed ones keep their row."""

    piece = models.ForeignKey(Piece, on_delete=models.PROTECT, related_name="shown")
    product = models.ForeignKey(
        "catalog.Product", on_delete=models.PROTECT, related_name="shown_in"
    )
    position = models.PositiveIntegerField()
    added_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["piece", "product"],
                condition=Q(removed_at__isnull=True),
                name="pieces_product_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.product_id} in {self.piece_id}"
