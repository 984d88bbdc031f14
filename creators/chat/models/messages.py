"""What is said in a show: lines of the chat, and questions about its products."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models


class MessageState(models.TextChoices):
    """held -> shown (when its time has come) | rejected; withheld -> shown | rejected."""

    SHOWN = "shown"
    # Waits for `shown_at` (the show's hold-before-publish).
    HELD = "held"
    # A filter kept it back until a moderator decides.
    WITHHELD = "withheld"
    REJECTED = "rejected"


class Badge(models.TextChoices):
    """What its author was in the show when a line was written."""

    NONE = ""
    HOST = "host"
    MODERATOR = "moderator"


class Message(models.Model):
    """`client_id` is the sender's, so a line that is sent again is the same line.

    `rev` grows whenever the line is shown, deleted or restored. `mentions` are the ids of the users
    that it names with @.
    """

    piece = models.ForeignKey("pieces.Piece", on_delete=models.PROTECT, related_name="messages")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="chat_messages"
    )
    client_id = models.UUIDField()
    body = models.CharField(max_length=300)
    sent_at = models.DateTimeField()
    state = models.CharField(max_length=8, choices=MessageState, default=MessageState.SHOWN)
    shown_at = models.DateTimeField(null=True, blank=True)
    # Why it was withheld: "flood", or "filter:" and what the filter found; "" otherwise.
    why = models.CharField(max_length=100, blank=True)
    badge = models.CharField(max_length=9, choices=Badge, default=Badge.NONE, blank=True)
    reply_to = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    mentions = ArrayField(models.BigIntegerField(), default=list, blank=True)
    rev = models.PositiveIntegerField(default=0)
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
            # What waits to be shown or judged.
            models.Index(
                fields=["piece", "shown_at"],
                name="chat_waiting",
                condition=models.Q(state__in=["held", "withheld"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.author_id}: {self.body}"

    @property
    def is_seen(self) -> bool:
        """Tell whether everybody sees it now."""
        return self.state == MessageState.SHOWN and self.deleted_at is None


class PinnedLine(models.Model):
    """The line that stands above a show's chat; a row per show, `rev` grows with each change."""

    piece = models.OneToOneField(
        "pieces.Piece", on_delete=models.CASCADE, related_name="pinned_line"
    )
    message = models.ForeignKey(
        Message, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    rev = models.PositiveIntegerField(default=1)

    def __str__(self) -> str:
        return f"{self.message_id} in {self.piece_id}"


class Question(models.Model):
    """A viewer's question in a show, about a product or about anything; answered once."""

    piece = models.ForeignKey("pieces.Piece", on_delete=models.PROTECT, related_name="questions")
    product = models.ForeignKey(
        "catalog.Product", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="questions"
    )
    client_id = models.UUIDField()
    body = models.CharField(max_length=300)
    asked_at = models.DateTimeField()
    # Counted from the votes; the author's own is one of them.
    votes = models.PositiveIntegerField(default=1)
    answered_at = models.DateTimeField(null=True, blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    deleted_at = models.DateTimeField(null=True, blank=True)
    deleted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    rev = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["piece", "author", "client_id"], name="chat_question_once"
            )
        ]
        indexes = [models.Index(fields=["piece", "-votes", "id"], name="chat_queue")]

    def __str__(self) -> str:
        return f"{self.author_id}: {self.body}"


class Vote(models.Model):
    """Somebody wants a question answered, too."""

    question = models.ForeignKey(Question, on_delete=models.CASCADE, related_name="voters")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["question", "user"], name="chat_vote_once")]

    def __str__(self) -> str:
        return f"{self.user_id} for {self.question_id}"
