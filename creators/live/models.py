"""Live shows: schedule, begin, pins, end."""

from typing import Final

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class ShowState(models.TextChoices):
    SCHEDULED = "scheduled", _("Scheduled")
    LIVE = "live", _("Live")
    ENDED = "ended", _("Ended")
    CANCELLED = "cancelled", _("Cancelled")


SHOW_TRANSITIONS: Final[dict[ShowState, frozenset[ShowState]]] = {
    ShowState.SCHEDULED: frozenset({ShowState.LIVE, ShowState.CANCELLED}),
    ShowState.LIVE: frozenset({ShowState.ENDED}),
    ShowState.ENDED: frozenset(),
    ShowState.CANCELLED: frozenset(),
}


class LiveSession(models.Model):
    """A show; `rev` grows with each change of state, bag or pin, so that clients can order them."""

    piece = models.OneToOneField(
        "pieces.Piece", on_delete=models.PROTECT, primary_key=True, related_name="live_session"
    )
    state = models.CharField(max_length=10, choices=ShowState, default=ShowState.SCHEDULED)
    scheduled_at = models.DateTimeField()
    planned_minutes = models.PositiveSmallIntegerField(default=60)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    poster_path = models.CharField(max_length=255, blank=True)
    rev = models.BigIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["state", "scheduled_at"], name="live_by_state")]

    def __str__(self) -> str:
        return f"{self.piece_id} {self.state}"

    @property
    def is_live(self) -> bool:
        return self.state == ShowState.LIVE

    @property
    def is_scheduled(self) -> bool:
        return self.state == ShowState.SCHEDULED

    @property
    def is_ended(self) -> bool:
        return self.state == ShowState.ENDED

    @property
    def is_over(self) -> bool:
        return self.state in (ShowState.ENDED, ShowState.CANCELLED)


class ShowEvent(models.Model):
    """Append-only: each change of a show's state."""

    session = models.ForeignKey(LiveSession, on_delete=models.PROTECT, related_name="events")
    from_state = models.CharField(max_length=10, blank=True)
    to_state = models.CharField(max_length=10)
    at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.session_id}: {self.from_state} → {self.to_state}"


class Pin(models.Model):
    """A product that was pinned from a time to a time; one at most is open in a show."""

    session = models.ForeignKey(LiveSession, on_delete=models.PROTECT, related_name="pins")
    product = models.ForeignKey("catalog.Product", on_delete=models.PROTECT, related_name="pins")
    pinned_at = models.DateTimeField()
    unpinned_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["session"], condition=Q(unpinned_at__isnull=True), name="live_one_pin"
            )
        ]

    def __str__(self) -> str:
        return f"{self.product_id} in {self.session_id}"
