"""Units on hand and reserved per SKU, and the holds that reserve them."""

import uuid
from typing import Final

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Stock(models.Model):
    """`0 <= reserved <= on_hand`, kept by the database; `rev` grows with each change."""

    sku = models.OneToOneField(
        "catalog.Sku", on_delete=models.PROTECT, primary_key=True, related_name="stock"
    )
    on_hand = models.IntegerField(default=0)
    reserved = models.IntegerField(default=0)
    rev = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(reserved__gte=0) & Q(reserved__lte=F("on_hand")),
                name="stock_reserved_within_on_hand",
            )
        ]

    def __str__(self) -> str:
        return f"{self.sku_id}: {self.available} of {self.on_hand}"

    @property
    def available(self) -> int:
        return self.on_hand - self.reserved


class HoldState(models.TextChoices):
    HELD = "held", _("Held")
    COMMITTED = "committed", _("Committed")
    RELEASED = "released", _("Released")
    EXPIRED = "expired", _("Expired")


HOLD_TRANSITIONS: Final[dict[HoldState, frozenset[HoldState]]] = {
    HoldState.HELD: frozenset({HoldState.COMMITTED, HoldState.RELEASED, HoldState.EXPIRED}),
    # A committed hold is given back when its order is cancelled, expires or is refunded.
    HoldState.COMMITTED: frozenset({HoldState.RELEASED}),
    HoldState.RELEASED: frozenset(),
    HoldState.EXPIRED: frozenset(),
}


class Hold(models.Model):
    """Units kept for somebody; the id is the client's, so asking twice gives the same hold."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    sku = models.ForeignKey("catalog.Sku", on_delete=models.PROTECT, related_name="holds")
    quantity = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=HoldState, default=HoldState.HELD)
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gt=0), name="stock_hold_quantity")
        ]
        indexes = [
            models.Index(fields=["expires_at"], condition=Q(state="held"), name="stock_hold_due")
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of {self.sku_id} {self.state}"


class HoldEvent(models.Model):
    """Append-only: each change of a hold's state."""

    hold = models.ForeignKey(Hold, on_delete=models.PROTECT, related_name="events")
    from_state = models.CharField(max_length=10, blank=True)
    to_state = models.CharField(max_length=10)
    at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.hold_id}: {self.from_state} → {self.to_state}"
