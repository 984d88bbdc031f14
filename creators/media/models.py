"""Streams: the picture of one show, the keys that may send it, and what was recorded of it."""

import uuid
from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Stream(models.Model):
    """The picture of one show, from the first preview to the last segment.

    `run` grows with each publisher that comes (or comes back). It is receiving while
    `receiving_since` is set; `lost_at` is when the last publisher went. Only what comes between
    `on_air_from` and `on_air_until` is kept for a replay; before, it is the host's preview.
    """

    class Source(models.TextChoices):
        RTMP = "rtmp", _("Encoder")
        BROWSER = "browser", _("Browser")
        # At another media server, which tells of it over HTTP.
        SERVER = "server", _("Media server")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    creator = models.ForeignKey(
        "profiles.Creator", on_delete=models.PROTECT, related_name="streams"
    )
    # Only who has a signed address may watch.
    is_private = models.BooleanField(default=True)
    made_at = models.DateTimeField(db_default=Now())
    on_air_from = models.DateTimeField(null=True, blank=True)
    on_air_until = models.DateTimeField(null=True, blank=True)
    # It takes no publisher any more.
    closed_at = models.DateTimeField(null=True, blank=True)
    # Its segments and captions were erased; nothing can be watched again.
    erased_at = models.DateTimeField(null=True, blank=True)
    run = models.PositiveIntegerField(default=0)
    source = models.CharField(max_length=7, choices=Source, blank=True)
    receiving_since = models.DateTimeField(null=True, blank=True)
    lost_at = models.DateTimeField(null=True, blank=True)
    # When an origin last said that it has this publisher; old: that origin has died.
    seen_at = models.DateTimeField(null=True, blank=True)
    # Why the last publisher was refused or cut off, for the creator; "" when nothing was wrong.
    trouble_code = models.CharField(max_length=40, blank=True)
    trouble_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["creator"], condition=Q(closed_at__isnull=True), name="media_open_streams"
            )
        ]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def is_receiving(self) -> bool:
        return self.receiving_since is not None

    @property
    def is_open(self) -> bool:
        return self.closed_at is None


class StreamKey(models.Model):
    """What a creator's encoder says to be let in; only its SHA-256 is kept, so it is shown once.

    `target` is the stream that its picture goes to. Whoever came in by a key of an older `rev` is
    cut off.
    """

    creator = models.OneToOneField(
        "profiles.Creator", on_delete=models.CASCADE, related_name="stream_key"
    )
    digest = models.CharField(max_length=64, unique=True)
    # Its last characters, so that two keys can be told apart.
    hint = models.CharField(max_length=4)
    rev = models.PositiveIntegerField(default=1)
    made_at = models.DateTimeField()
    target = models.ForeignKey(
        Stream, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    def __str__(self) -> str:
        return f"…{self.hint}"


class Segment(models.Model):
    """A stretch of a stream in the `recordings` storage: whole segments of the live playlist."""

    stream = models.ForeignKey(Stream, on_delete=models.CASCADE, related_name="segments")
    run = models.PositiveIntegerField()
    # The media sequence number of its first live segment.
    first = models.PositiveBigIntegerField()
    # When its first picture arrived, as PROGRAM-DATE-TIME says it.
    starts_at = models.DateTimeField()
    duration_ms = models.PositiveIntegerField()
    size_bytes = models.PositiveIntegerField()
    # Names in the storage: the segment and the initialization section that it needs.
    name = models.CharField(max_length=200)
    init_name = models.CharField(max_length=200)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["stream", "first"], name="media_segment_once")
        ]
        indexes = [models.Index(fields=["stream", "starts_at"], name="media_segments_in_time")]

    def __str__(self) -> str:
        return self.name

    @property
    def ends_at(self) -> datetime:
        return self.starts_at + timedelta(milliseconds=self.duration_ms)


class Caption(models.Model):
    """A line of what is said, by the clock of the pictures (PROGRAM-DATE-TIME)."""

    class Source(models.TextChoices):
        UPLOAD = "upload", _("Uploaded")
        SPEECH = "speech", _("Speech recognition")

    stream = models.ForeignKey(Stream, on_delete=models.CASCADE, related_name="captions")
    language = models.CharField(max_length=5)
    source = models.CharField(max_length=6, choices=Source)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    text = models.CharField(max_length=500)

    class Meta:
        indexes = [models.Index(fields=["stream", "starts_at"], name="media_captions_in_time")]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=models.F("starts_at")), name="media_caption_lasts"
            )
        ]

    def __str__(self) -> str:
        return self.text
