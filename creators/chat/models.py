"""Messages of a live show, and who was muted."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class Message(models.Model):
    """`client_id` is the sender's, so a line that is sent again is the same line."""

    piece = models.ForeignKey("pieces.Piece", on_delete=models.PROTECT, related_name="messages")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="chat_messages"
    )
    client_id = models.UUIDField()
    body = models.CharField(max_length=300)
    sent_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True, blank=True)
    deleted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["piece", "author", "client_id"], name="chat_message_once"
            )
        ]
        indexes = [
            models.Index(fields=["piece", "-id"], name="chat_latest"),
            # What was said around a moment, for who watches the replay.
            models.Index(fields=["piece", "sent_at"], name="chat_in_time"),
            # How many lines somebody wrote in the last seconds.
            models.Index(fields=["author", "-sent_at"], name="chat_of_author"),
        ]

    def __str__(self) -> str:
        return f"{self.author_id}: {self.body}"


class Mute(models.Model):
    """A user may not write in this show until a time; `lifted_at` undoes it."""

    piece = models.ForeignKey("pieces.Piece", on_delete=models.PROTECT, related_name="mutes")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="mutes"
    )
    muted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    reason = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField(db_default=Now())
    until = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["piece", "user", "-until"], name="chat_mute_of")]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.piece_id} until {self.until}"
