"""What was bought: a purchase (paid at once) of one order per shop, with lines and a history."""

import uuid
from typing import Final

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class OrderState(models.TextChoices):
    UNPAID = "unpaid", _("Waiting for payment")
    AWAITING_SHIPMENT = "awaiting_shipment", _("Paid, waiting for shipment")
    CANCELLED = "cancelled", _("Cancelled")
    EXPIRED = "expired", _("Expired unpaid")


# Shipping, delivery and the remorse hold add their states to this table.
ORDER_TRANSITIONS: Final[dict[OrderState, frozenset[OrderState]]] = {
    OrderState.UNPAID: frozenset(
        {OrderState.AWAITING_SHIPMENT, OrderState.CANCELLED, OrderState.EXPIRED}
    ),
    OrderState.AWAITING_SHIPMENT: frozenset({OrderState.CANCELLED}),
    OrderState.CANCELLED: frozenset(),
    OrderState.EXPIRED: frozenset(),
}


class Purchase(models.Model):
    """What a buyer pays in one go; split into one order per shop."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    buyer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="purchases"
    )
    quote_id = models.UUIDField(unique=True)
    currency = models.CharField(max_length=3)
    total_minor = models.BigIntegerField()
    placed_at = models.DateTimeField()
    # Unpaid after this instant: expired by the sweeper.
    pay_by = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.id}"


class Order(models.Model):
    """One shop's part of a purchase."""

    number = models.CharField(max_length=20, unique=True)
    purchase = models.ForeignKey(Purchase, on_delete=models.PROTECT, related_name="orders")
    shop = models.ForeignKey("catalog.Shop", on_delete=models.PROTECT, related_name="orders")
    buyer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="orders"
    )
    state = models.CharField(max_length=20, choices=OrderState, default=OrderState.UNPAID)
    currency = models.CharField(max_length=3)
    total_minor = models.BigIntegerField()
    refunded_minor = models.BigIntegerField(default=0)
    address = models.JSONField()
    placed_at = models.DateTimeField()
    paid_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["purchase", "shop"], name="orders_one_per_shop"),
            models.CheckConstraint(
                condition=Q(refunded_minor__gte=0) & Q(refunded_minor__lte=models.F("total_minor")),
                name="orders_refund_within_total",
            ),
        ]
        indexes = [
            models.Index(fields=["buyer", "-placed_at"], name="orders_of_buyer"),
            models.Index(fields=["shop", "-placed_at"], name="orders_of_shop"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def is_paid(self) -> bool:
        return self.paid_at is not None

    @property
    def is_unpaid(self) -> bool:
        return self.state == OrderState.UNPAID

    @property
    def is_to_be_packed(self) -> bool:
        return self.state == OrderState.AWAITING_SHIPMENT

    @property
    def is_refunded(self) -> bool:
        return 0 < self.refunded_minor == self.total_minor


class OrderLine(models.Model):
    """One SKU of an order; price, rates and referral are frozen when it is placed."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="lines")
    sku = models.ForeignKey("catalog.Sku", on_delete=models.PROTECT, related_name="order_lines")
    hold_id = models.UUIDField(unique=True)
    title = models.CharField(max_length=255)
    options_text = models.CharField(max_length=800, blank=True)
    quantity = models.PositiveIntegerField()
    unit_price_minor = models.BigIntegerField()
    # Which piece, pin and creator earned it; opaque to the shops.
    referral = models.CharField(max_length=255, blank=True)
    fee_bps = models.PositiveIntegerField()
    commission_bps = models.PositiveIntegerField()

    class Meta:
        indexes = [
            models.Index(
                fields=["referral"], condition=~Q(referral=""), name="orders_line_referral"
            )
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.title}"

    @property
    def total_minor(self) -> int:
        return self.quantity * self.unit_price_minor


class OrderEvent(models.Model):
    """Append-only: each change of an order's state, and why."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="events")
    from_state = models.CharField(max_length=20, blank=True)
    to_state = models.CharField(max_length=20)
    reason = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.order_id}: {self.from_state} → {self.to_state}"

    @property
    def label(self) -> str:
        """Name the state that was reached, for people; "" for a note, which changes none."""
        return "" if self.from_state == self.to_state else str(OrderState(self.to_state).label)
