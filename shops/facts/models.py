"""Facts that happened, what was done about each, and the answers given under an Idempotency-Key."""

from django.db import models
from django.db.models.functions import Now


class Event(models.Model):
    """A fact, written in the transaction that made it true (the outbox)."""

    kind = models.CharField(max_length=80)
    payload = models.JSONField()
    occurred_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["kind", "id"], name="facts_event_kind")]

    def __str__(self) -> str:
        return f"{self.kind} #{self.pk}"


class Reaction(models.Model):
    """One *must* reaction that was carried out; the constraint makes it happen once only."""

    # The index of the constraint begins with it.
    event = models.ForeignKey(
        Event, on_delete=models.PROTECT, related_name="reactions", db_index=False
    )
    name = models.CharField(max_length=200)
    done_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["event", "name"], name="facts_reaction_once")
        ]

    def __str__(self) -> str:
        return f"{self.name} of #{self.event_id}"


class IdempotencyKey(models.Model):
    """What was answered to a request that carried an Idempotency-Key (IETF draft-07)."""

    scope = models.CharField(max_length=120)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    answer = models.JSONField(null=True)
    leased_until = models.DateTimeField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["scope", "key"], name="facts_idempotency_once")
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.key}"
