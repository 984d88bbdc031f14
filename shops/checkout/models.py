"""Carts, and quotes: what a cart costs, kept with its stock until a time."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Cart(models.Model):
    """A cart of a user or, before sign-in, of a browser (`token` is in its session).

    `version` grows with each change; a form carries the version that it showed.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="cart"
    )
    token = models.UUIDField(null=True, unique=True)
    version = models.PositiveIntegerField(default=0)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(user__isnull=False, token__isnull=True)
                | Q(user__isnull=True, token__isnull=False),
                name="checkout_cart_one_owner",
            )
        ]

    def __str__(self) -> str:
        return f"cart of {self.user_id or self.token}"


class CartLine(models.Model):
    cart = models.ForeignKey(Cart, on_delete=models.CASCADE, related_name="lines")
    sku = models.ForeignKey("catalog.Sku", on_delete=models.PROTECT, related_name="cart_lines")
    quantity = models.PositiveIntegerField()
    referral = models.CharField(max_length=255, blank=True)
    # The price when it was put in; a change is shown before buying.
    seen_price_minor = models.BigIntegerField()
    added_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["cart", "sku"], name="checkout_line_once"),
            models.CheckConstraint(
                condition=Q(quantity__gte=1, quantity__lte=99), name="checkout_line_quantity"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.sku_id}"


class Quote(models.Model):
    """Prices that are honoured, and stock that is held, until `expires_at`."""

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        ORDERED = "ordered", _("Ordered")
        CLOSED = "closed", _("Closed")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    buyer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="quotes"
    )
    cart_version = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    currency = models.CharField(max_length=3)
    total_minor = models.BigIntegerField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["buyer"], condition=Q(state="open"), name="checkout_one_open_quote"
            )
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.state}"


class QuoteLine(models.Model):
    quote = models.ForeignKey(Quote, on_delete=models.CASCADE, related_name="lines")
    sku = models.ForeignKey("catalog.Sku", on_delete=models.PROTECT, related_name="quote_lines")
    hold_id = models.UUIDField(unique=True)
    quantity = models.PositiveIntegerField()
    unit_price_minor = models.BigIntegerField()
    referral = models.CharField(max_length=255, blank=True)

    def __str__(self) -> str:
        return f"{self.quantity} × {self.sku_id}"

    @property
    def total_minor(self) -> int:
        return self.quantity * self.unit_price_minor
