"""Live shows: schedule, begin, pins, end, and what is watched of them afterwards."""

from typing import Final

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.templatetags.static import static
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
    """A show; `rev` grows with each change of state, bag or pin, so that clients can order them.

    A rehearsal is a show of its own, made from the one that is rehearsed: private, nobody is told,
    and what came of it (orders, figures, chat, picture) is erased when it ends.
    """

    class Visibility(models.TextChoices):
        PUBLIC = "public", _("Everybody")
        PRIVATE = "private", _("Only who has the link")

    piece = models.OneToOneField(
        "pieces.Piece", on_delete=models.PROTECT, primary_key=True, related_name="live_session"
    )
    state = models.CharField(max_length=10, choices=ShowState, default=ShowState.SCHEDULED)
    scheduled_at = models.DateTimeField()
    planned_minutes = models.PositiveSmallIntegerField(default=60)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    # When its host was last there: a show without a picture goes on meanwhile.
    host_seen_at = models.DateTimeField(null=True, blank=True)
    # A picture of our own static files; an uploaded cover goes before it.
    poster_path = models.CharField(max_length=255, blank=True)
    cover = models.ImageField(upload_to="covers/", max_length=200, blank=True)
    visibility = models.CharField(
        max_length=7, choices=Visibility, default=Visibility.PUBLIC, db_default="public"
    )
    rehearsal_of = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="rehearsals"
    )
    stream = models.OneToOneField(
        "media.Stream", null=True, blank=True, on_delete=models.PROTECT, related_name="session"
    )
    rev = models.BigIntegerField(default=0)

    class Meta:
        indexes = [
            models.Index(fields=["state", "scheduled_at"], name="live_by_state"),
            # The home page lists what can be watched of the shows that ended last.
            models.Index(
                fields=["-ended_at"], condition=Q(ended_at__isnull=False), name="live_ended_last"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.piece_id} {self.state}"

    @property
    def is_rehearsal(self) -> bool:
        return self.rehearsal_of_id is not None

    @property
    def is_private(self) -> bool:
        return self.visibility == self.Visibility.PRIVATE

    @property
    def cover_url(self) -> str:
        """Tell where a browser finds the still of the show; "" for none."""
        if self.cover:
            return str(self.cover.url)
        return static(self.poster_path) if self.poster_path else ""

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
    # The cheapest price then, for who watches the replay; None before prices were kept.
    price_minor = models.PositiveBigIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["session"], condition=Q(unpinned_at__isnull=True), name="live_one_pin"
            )
        ]

    def __str__(self) -> str:
        return f"{self.product_id} in {self.session_id}"


class Replay(models.Model):
    """What can be watched of a show after its end: the stretch between two instants of it."""

    class State(models.TextChoices):
        HIDDEN = "hidden", _("Hidden")
        PUBLISHED = "published", _("Published")

    session = models.OneToOneField(LiveSession, on_delete=models.PROTECT, related_name="replay")
    state = models.CharField(max_length=9, choices=State, default=State.PUBLISHED)
    # By the clock of the pictures; the creator trims by moving them inwards.
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    made_at = models.DateTimeField()
    # What was recorded between the two, without the gaps.
    duration_ms = models.PositiveIntegerField(default=0)
    # Names in the default storage: a still, and a few moving seconds for the home page.
    still = models.CharField(max_length=200, blank=True)
    preview = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=models.F("starts_at")), name="live_replay_lasts"
            )
        ]

    def __str__(self) -> str:
        return f"{self.session_id} {self.state}"

    @property
    def is_published(self) -> bool:
        return self.state == self.State.PUBLISHED


class Clip(models.Model):
    """A short stretch of a replay around a pin whose product was clicked most."""

    session = models.ForeignKey(LiveSession, on_delete=models.PROTECT, related_name="clips")
    pin = models.ForeignKey(Pin, on_delete=models.PROTECT, related_name="clips")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    clicks = models.PositiveIntegerField()
    is_hidden = models.BooleanField(default=False)
    # Names in the default storage.
    video = models.CharField(max_length=200, blank=True)
    still = models.CharField(max_length=200, blank=True)
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["session", "pin"], name="live_clip_once"),
            models.CheckConstraint(
                condition=Q(ends_at__gt=models.F("starts_at")), name="live_clip_lasts"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pin_id} of {self.session_id}"
