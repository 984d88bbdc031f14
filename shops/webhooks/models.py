"""API tokens; and outgoing webhooks: who gets them, what was said, what was answered."""

import uuid
from typing import Final

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class ApiToken(models.Model):
    """Lets a program act for a user (or, with a shop, for that shop); only its hash is kept.

    Revoking is for good: a new token is one click away, a leaked one must never come back.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens"
    )
    shop = models.ForeignKey(
        "catalog.Shop", null=True, blank=True, on_delete=models.CASCADE, related_name="api_tokens"
    )
    name = models.CharField(max_length=80)
    # What people recognise it by; the token begins with it.
    prefix = models.CharField(max_length=16)
    sha256 = models.CharField(max_length=64, unique=True)
    scopes = ArrayField(models.CharField(max_length=40), default=list)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["user", "-created_at"], name="webhooks_token_of_user"),
            models.Index(fields=["shop", "-created_at"], name="webhooks_token_of_shop"),
        ]

    def __str__(self) -> str:
        return f"{self.prefix}… {self.name}"

    @property
    def is_revoked(self) -> bool:
        return self.revoked_at is not None


class Endpoint(models.Model):
    """An address of a shop's own server that wants to hear of some events.

    The secrets are kept as they are: whoever signs with a secret must have it.
    """

    class Disabled(models.TextChoices):
        BY_OWNER = "by_owner", _("Switched off by you")
        GONE = "gone", _("Its server said that it is gone (410)")
        FAILING = "failing", _("Nothing got through for days")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    shop = models.ForeignKey(
        "catalog.Shop", on_delete=models.CASCADE, related_name="webhook_endpoints"
    )
    url = models.CharField(max_length=2000)
    description = models.CharField(max_length=120, blank=True)
    # Types such as "order.paid", or "order.*".
    events = ArrayField(models.CharField(max_length=60))
    secret = models.CharField(max_length=80)
    # After a rotation both sign until then, so that receivers can change over in peace.
    old_secret = models.CharField(max_length=80, blank=True)
    old_secret_until = models.DateTimeField(null=True, blank=True)
    is_enabled = models.BooleanField(default=True)
    disabled_reason = models.CharField(max_length=10, choices=Disabled, blank=True)
    disabled_at = models.DateTimeField(null=True, blank=True)
    # The first failure since something got through.
    failing_since = models.DateTimeField(null=True, blank=True)
    # It did not answer: nothing is sent before then, so that it keeps nobody else waiting.
    resting_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(is_enabled=True, disabled_reason="", disabled_at__isnull=True)
                | Q(is_enabled=False, disabled_at__isnull=False) & ~Q(disabled_reason=""),
                name="webhooks_endpoint_says_why",
            )
        ]

    def __str__(self) -> str:
        return self.url


class MessageState(models.TextChoices):
    PENDING = "pending", _("Waiting")
    DELIVERED = "delivered", _("Delivered")
    FAILED = "failed", _("Given up")


# A replay by hand takes a message from either end back to "pending"; attempts are its history.
MESSAGE_TRANSITIONS: Final[dict[MessageState, frozenset[MessageState]]] = {
    MessageState.PENDING: frozenset({MessageState.DELIVERED, MessageState.FAILED}),
    MessageState.DELIVERED: frozenset({MessageState.PENDING}),
    MessageState.FAILED: frozenset({MessageState.PENDING}),
}


class Message(models.Model):
    """One event for one endpoint. Its id stays the same in all attempts; so does its body."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="messages")
    # What it tells of, so that a reaction that runs twice tells it once.
    source = models.CharField(max_length=120)
    type = models.CharField(max_length=60)
    body = models.TextField()
    state = models.CharField(max_length=10, choices=MessageState, default=MessageState.PENDING)
    # Attempts since it was made or replayed.
    tries = models.PositiveSmallIntegerField(default=0)
    # While an attempt is under way: until when nobody else makes one.
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["endpoint", "source", "type"], name="webhooks_message_once"
            ),
            models.CheckConstraint(
                condition=Q(state="pending", next_attempt_at__isnull=False)
                | ~Q(state="pending") & Q(next_attempt_at__isnull=True),
                name="webhooks_pending_has_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                condition=Q(state="pending"),
                name="webhooks_message_due",
            ),
            models.Index(fields=["endpoint", "-created_at"], name="webhooks_message_log"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.id}"

    @property
    def webhook_id(self) -> str:
        """What receivers know it by (the header `webhook-id`)."""
        return f"msg_{self.pk.hex}"


class Attempt(models.Model):
    """Append-only: one request to an endpoint, and what came of it."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="attempts")
    at = models.DateTimeField()
    milliseconds = models.PositiveIntegerField()
    request_headers = models.JSONField()
    # 0: there was no answer; `error` says why.
    status = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=200, blank=True)
    answer = models.TextField(blank=True)
    is_by_hand = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.message_id}: {self.status or self.error}"

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


class ToldLevel(models.Model):
    """The revision of a SKU's stock that an endpoint was told last.

    A sale changes levels thousands of times a second: receivers get where they stand once a
    minute, and the sale's transactions have nothing to do with it.
    """

    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="told_levels")
    sku = models.ForeignKey("catalog.Sku", on_delete=models.CASCADE, related_name="+")
    rev = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "sku"], name="webhooks_told_once")
        ]

    def __str__(self) -> str:
        return f"{self.sku_id}: {self.rev}"
