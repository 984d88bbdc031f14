"""Who a creator is."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class Creator(models.Model):
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="creator"
    )
    handle = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=60)
    bio = models.CharField(max_length=500, blank=True)
    avatar_path = models.CharField(max_length=255, blank=True)
    category = models.ForeignKey(
        "catalog.Category", null=True, on_delete=models.SET_NULL, related_name="creators"
    )
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.name


class PartnerShop(models.Model):
    """A shop whose products a creator may show (open and targeted collaborations deepen it)."""

    creator = models.ForeignKey(Creator, on_delete=models.CASCADE, related_name="partner_shops")
    shop = models.ForeignKey("catalog.Shop", on_delete=models.CASCADE, related_name="partners")
    since = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["creator", "shop"], name="profiles_partner_once")
        ]

    def __str__(self) -> str:
        return f"{self.creator} with {self.shop}"
