"""How a chat is kept civil: who moderates, who may not write, the rules, what was done."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class Moderator(models.Model):
    """Somebody who helps a creator: in one show, or (without a piece) in all of theirs."""

    creator = models.ForeignKey(
        "profiles.Creator", on_delete=models.CASCADE, related_name="moderators"
    )
    piece = models.ForeignKey(
        "pieces.Piece", null=True, blank=True, on_delete=models.CASCADE, related_name="moderators"
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["creator", "piece", "user"],
                name="chat_moderator_once",
                nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        return f"{self.user_id} for {self.creator_id}"


class SanctionKind(models.TextChoices):
    MUTE = "mute"
    BAN = "ban"


class Sanction(models.Model):
    """A user may not write (mute) or not be there (ban), in one show or in all of a creator's.

    `until` is None when it ends with the show, or never. `lifted_at` undoes it. `rev` grows with
    each change.
    """

    kind = models.CharField(max_length=4, choices=SanctionKind)
    creator = models.ForeignKey(
        "profiles.Creator", on_delete=models.CASCADE, related_name="sanctions"
    )
    # None: in all shows of the creator.
    piece = models.ForeignKey(
        "pieces.Piece", null=True, blank=True, on_delete=models.CASCADE, related_name="sanctions"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="sanctions"
    )
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True)
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    rev = models.PositiveIntegerField(default=1)

    class Meta:
        indexes = [
            models.Index(
                fields=["creator", "user"],
                name="chat_sanction_open",
                condition=models.Q(lifted_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.user_id} by {self.creator_id}"

    def holds_at(self, now: datetime) -> bool:
        return self.lifted_at is None and (self.until is None or self.until > now)


class ChatRules(models.Model):
    """How the chat of one show, or (without a piece) of a creator's shows at first, is kept.

    0 seconds: that rule is off.
    """

    creator = models.ForeignKey(
        "profiles.Creator", on_delete=models.CASCADE, related_name="chat_rules"
    )
    piece = models.OneToOneField(
        "pieces.Piece", null=True, blank=True, on_delete=models.CASCADE, related_name="chat_rules"
    )
    slow_seconds = models.PositiveSmallIntegerField(default=0)
    hold_seconds = models.PositiveSmallIntegerField(default=0)
    followers_only = models.BooleanField(default=False)
    # Of a show: it goes with what all of its creator's begin with, as if it had no row.
    as_default = models.BooleanField(default=False)
    rev = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["creator"], condition=models.Q(piece=None), name="chat_rules_of_creator"
            ),
            models.CheckConstraint(
                condition=models.Q(slow_seconds=0) | models.Q(slow_seconds__range=(3, 120)),
                name="chat_slow_range",
            ),
            models.CheckConstraint(
                condition=models.Q(hold_seconds__range=(0, 5)), name="chat_hold_range"
            ),
        ]

    def __str__(self) -> str:
        return f"rules of {self.piece_id or self.creator_id}"


class FilterKind(models.TextChoices):
    WORDS = "words"
    PATTERN = "pattern"


class FilterEffect(models.TextChoices):
    """What becomes of a line that matches: a moderator decides, or it is refused with words."""

    WITHHOLD = "withhold"
    REFUSE = "refuse"


class Filter(models.Model):
    """Words or an RE2 pattern that lines in a creator's shows must not hold."""

    creator = models.ForeignKey(
        "profiles.Creator", on_delete=models.CASCADE, related_name="chat_filters"
    )
    kind = models.CharField(max_length=7, choices=FilterKind)
    text = models.CharField(max_length=500)
    effect = models.CharField(max_length=8, choices=FilterEffect, default=FilterEffect.WITHHOLD)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["creator"],
                name="chat_filter_used",
                condition=models.Q(removed_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"


class Action(models.Model):
    """What a moderator did: who, to whom or what, why and when; written once, undone at most once.

    `kind` is one of the names in `moderation.actions`; `before` is what an undo restores.
    """

    kind = models.CharField(max_length=30)
    creator = models.ForeignKey("profiles.Creator", on_delete=models.CASCADE, related_name="+")
    piece = models.ForeignKey(
        "pieces.Piece",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="moderation",
    )
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    subject = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    message = models.ForeignKey(
        "chat.Message", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    sanction = models.ForeignKey(
        Sanction, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    reason = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField()
    before = models.JSONField(default=dict, blank=True)
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        indexes = [
            models.Index(fields=["creator", "-id"], name="chat_action_of_creator"),
            models.Index(fields=["piece", "-id"], name="chat_action_in_piece"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} by {self.by_id}"


class AppealState(models.TextChoices):
    """open -> granted (the sanction is lifted) | denied."""

    OPEN = "open"
    GRANTED = "granted"
    DENIED = "denied"


class Appeal(models.Model):
    """What a sanctioned user says against it; one for each sanction."""

    sanction = models.OneToOneField(Sanction, on_delete=models.CASCADE, related_name="appeal")
    text = models.CharField(max_length=500)
    at = models.DateTimeField(db_default=Now())
    state = models.CharField(max_length=7, choices=AppealState, default=AppealState.OPEN)
    answer = models.CharField(max_length=500, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    rev = models.PositiveIntegerField(default=1)

    def __str__(self) -> str:
        return f"against {self.sanction_id}"
