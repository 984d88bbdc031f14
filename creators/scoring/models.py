"""Formulas, frozen snapshots and the scores made from them. History is never edited."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Indicator(models.TextChoices):
    SALES = "sales", _("Sales ability")
    ASSIDUITY = "assiduity", _("Assiduity")


class Formula(models.Model):
    """A version of the formulas: composite weights and constants, as published."""

    version = models.PositiveIntegerField(unique=True)
    weights = models.JSONField()
    constants = models.JSONField()
    active_from = models.DateTimeField()

    def __str__(self) -> str:
        return f"formula {self.version}"


class Snapshot(models.Model):
    """The instant that inputs were frozen at, and the peers' figures that scores stand against."""

    taken_at = models.DateTimeField()
    formula = models.ForeignKey(Formula, on_delete=models.PROTECT, related_name="snapshots")
    peers = models.JSONField()

    def __str__(self) -> str:
        return f"{self.taken_at:%Y-%m-%d %H:%M}"


class Score(models.Model):
    """One indicator of one creator; the newest row counts, older ones stay."""

    creator = models.ForeignKey("profiles.Creator", on_delete=models.PROTECT, related_name="scores")
    indicator = models.CharField(max_length=20, choices=Indicator)
    snapshot = models.ForeignKey(Snapshot, on_delete=models.PROTECT, related_name="scores")
    formula = models.ForeignKey(Formula, on_delete=models.PROTECT, related_name="scores")
    # 0..100, and its 5 % and 95 % bounds.
    value = models.DecimalField(max_digits=7, decimal_places=4)
    low = models.DecimalField(max_digits=7, decimal_places=4)
    high = models.DecimalField(max_digits=7, decimal_places=4)
    # What went in, as shown to the creator; and the SHA-256 of the sorted ids of the events.
    inputs = models.JSONField()
    inputs_sha256 = models.CharField(max_length=64)
    is_provisional = models.BooleanField()
    computed_at = models.DateTimeField(db_default=Now())
    supersedes = models.OneToOneField(
        "self", null=True, on_delete=models.PROTECT, related_name="superseded_by"
    )

    class Meta:
        indexes = [models.Index(fields=["creator", "indicator", "-id"], name="scoring_latest")]

    def __str__(self) -> str:
        return f"{self.indicator} {self.value} of {self.creator_id}"
