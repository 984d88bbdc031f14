"""Who follows which creator."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class Follow(models.Model):
    """A row while somebody follows a creator; it goes when they stop."""

    creator = models.ForeignKey(
        "profiles.Creator", on_delete=models.CASCADE, related_name="followers"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="follows"
    )
    since = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["creator", "user"], name="social_once")]
        indexes = [models.Index(fields=["user", "-since"], name="social_follows_of")]

    def __str__(self) -> str:
        return f"{self.user_id} follows {self.creator_id}"
