"""What was bought: a purchase (paid at once) of one order per shop, and the parcels it comes in."""

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class OrderState(models.TextChoices):
    UNPAID = "unpaid", _("Waiting for payment")
    ON_HOLD = "on_hold", _("Paid, can still be cancelled")
    AWAITING_SHIPMENT = "awaiting_shipment", _("Paid, waiting for shipment")
    PARTIALLY_SHIPPED = "partially_shipped", _("Partly shipped")
    IN_TRANSIT = "in_transit", _("On its way")
    DELIVERED = "delivered", _("Delivered")
    COMPLETED = "completed", _("Completed")
    CANCELLED = "cancelled", _("Cancelled")
    EXPIRED = "expired", _("Expired unpaid")


ORDER_TRANSITIONS: Final[dict[OrderState, frozenset[OrderState]]] = {
    # Without a remorse hold, what is paid waits for shipment at once.
    OrderState.UNPAID: frozenset(
        {
            OrderState.ON_HOLD,
            OrderState.AWAITING_SHIPMENT,
            OrderState.CANCELLED,
            OrderState.EXPIRED,
        }
    ),
    OrderState.ON_HOLD: frozenset({OrderState.AWAITING_SHIPMENT, OrderState.CANCELLED}),
    OrderState.AWAITING_SHIPMENT: frozenset(
        {OrderState.PARTIALLY_SHIPPED, OrderState.IN_TRANSIT, OrderState.CANCELLED}
    ),
    # Delivered from here when all that was sent has arrived by the time the rest is called off.
    OrderState.PARTIALLY_SHIPPED: frozenset(
        {OrderState.IN_TRANSIT, OrderState.DELIVERED, OrderState.CANCELLED}
    ),
    # Cancelled from here: lost on its way, and given back whole.
    OrderState.IN_TRANSIT: frozenset({OrderState.DELIVERED, OrderState.CANCELLED}),
    OrderState.DELIVERED: frozenset({OrderState.COMPLETED}),
    OrderState.COMPLETED: frozenset(),
    OrderState.CANCELLED: frozenset(),
    # Its payment came late, and its units were still there.
    OrderState.EXPIRED: frozenset({OrderState.UNPAID}),
}

# Paid, and nothing of it has left the shop.
BEFORE_SHIPPING: Final = (OrderState.ON_HOLD, OrderState.AWAITING_SHIPMENT)
# What a shop has to pack something of.
TO_PACK: Final = (OrderState.AWAITING_SHIPMENT, OrderState.PARTIALLY_SHIPPED)
# Nothing more will be sent or paid for these (unless a late payment brings an expired one back).
OVER: Final = (OrderState.CANCELLED, OrderState.EXPIRED)


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
    """One shop's part of a purchase.

    `total = goods − discount + shipping + taxes that are not in the prices already`.
    """

    number = models.CharField(max_length=20, unique=True)
    # The indexes below begin with each of these.
    purchase = models.ForeignKey(
        Purchase, on_delete=models.PROTECT, related_name="orders", db_index=False
    )
    shop = models.ForeignKey(
        "catalog.Shop", on_delete=models.PROTECT, related_name="orders", db_index=False
    )
    buyer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="orders", db_index=False
    )
    state = models.CharField(max_length=20, choices=OrderState, default=OrderState.UNPAID)
    # Orders of one buyer with the same text here and the same address travel in one parcel.
    group = models.CharField(max_length=64, blank=True)
    currency = models.CharField(max_length=3)
    goods_minor = models.BigIntegerField(default=0)
    discount_minor = models.BigIntegerField(default=0)
    shipping_minor = models.BigIntegerField(default=0)
    # The lines' taxes; the tax of the shipping stands apart. Either may be in the prices already.
    tax_minor = models.BigIntegerField(default=0)
    shipping_tax_minor = models.BigIntegerField(default=0)
    total_minor = models.BigIntegerField()
    refunded_minor = models.BigIntegerField(default=0)
    shipping_method = models.CharField(max_length=80, blank=True)
    address = models.JSONField()
    placed_at = models.DateTimeField()
    paid_at = models.DateTimeField(null=True, blank=True)
    # Until then the buyer cancels freely and the shop is not told the address.
    hold_until = models.DateTimeField(null=True, blank=True)
    released_at = models.DateTimeField(null=True, blank=True)
    # Unshipped after this instant: cancelled and given back by the sweeper.
    ship_by = models.DateTimeField(null=True, blank=True)
    reminded_at = models.DateTimeField(null=True, blank=True)
    # When the last line that will be sent was handed to a carrier.
    shipped_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    # When the shop's escrow of it was split among those who earned it.
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["purchase", "shop"], name="orders_one_per_shop"),
            models.CheckConstraint(
                condition=Q(refunded_minor__gte=0) & Q(refunded_minor__lte=F("total_minor")),
                name="orders_refund_within_total",
            ),
            models.CheckConstraint(
                condition=Q(discount_minor__gte=0)
                & Q(discount_minor__lte=F("goods_minor"))
                & Q(shipping_minor__gte=0)
                & Q(tax_minor__gte=0)
                & Q(shipping_tax_minor__gte=0)
                & Q(total_minor__gte=F("goods_minor") - F("discount_minor") + F("shipping_minor")),
                name="orders_amounts_add_up",
            ),
        ]
        indexes = [
            models.Index(fields=["buyer", "-placed_at"], name="orders_of_buyer"),
            models.Index(fields=["shop", "-placed_at"], name="orders_of_shop"),
            models.Index(fields=["hold_until"], condition=Q(state="on_hold"), name="orders_held"),
            models.Index(
                fields=["ship_by"],
                condition=Q(state__in=["awaiting_shipment", "partially_shipped"]),
                name="orders_to_ship",
            ),
            models.Index(
                fields=["shipped_at"], condition=Q(state="in_transit"), name="orders_in_transit"
            ),
            models.Index(
                fields=["delivered_at"], condition=Q(state="delivered"), name="orders_delivered"
            ),
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
    def is_on_hold(self) -> bool:
        return self.state == OrderState.ON_HOLD

    @property
    def is_to_be_packed(self) -> bool:
        return self.state in TO_PACK

    @property
    def is_unsent(self) -> bool:
        """Tell whether it is paid and nothing of it has left the shop."""
        return self.state in BEFORE_SHIPPING

    @property
    def is_on_its_way(self) -> bool:
        return self.state == OrderState.IN_TRANSIT

    @property
    def is_delivered(self) -> bool:
        return self.state in (OrderState.DELIVERED, OrderState.COMPLETED)

    @property
    def is_refunded(self) -> bool:
        return 0 < self.refunded_minor == self.total_minor

    @property
    def all_taxes_minor(self) -> int:
        return self.tax_minor + self.shipping_tax_minor

    @property
    def added_tax_minor(self) -> int:
        """Return the taxes that came on top of the prices; the others are in them."""
        return self.total_minor - (self.goods_minor - self.discount_minor + self.shipping_minor)

    @property
    def seller_address(self) -> Mapping[str, Any]:
        """Return the address as the shop may know it: empty until the order was released to it."""
        return self.address if self.released_at else {}

    @property
    def complete_at(self) -> datetime | None:
        """Tell when the time to send something back is over; None before it was delivered."""
        if self.delivered_at is None:
            return None
        return self.delivered_at + timedelta(days=settings.RETURN_WINDOW_DAYS)


class OrderLine(models.Model):
    """One SKU of an order; price, rates and referral are frozen when it is placed."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="lines")
    sku = models.ForeignKey("catalog.Sku", on_delete=models.PROTECT, related_name="order_lines")
    hold_id = models.UUIDField(unique=True)
    # Nothing is kept for it until it is paid: who pays first gets it.
    is_first_paid = models.BooleanField(default=False)
    title = models.CharField(max_length=255)
    options_text = models.CharField(max_length=800, blank=True)
    quantity = models.PositiveIntegerField()
    unit_price_minor = models.BigIntegerField()
    discount_minor = models.BigIntegerField(default=0)
    tax_minor = models.BigIntegerField(default=0)
    tax_bps = models.PositiveIntegerField(default=0)
    is_tax_inclusive = models.BooleanField(default=True)
    # Which piece, pin and creator earned it; opaque to the shops.
    referral = models.CharField(max_length=255, blank=True)
    fee_bps = models.PositiveIntegerField()
    commission_bps = models.PositiveIntegerField()
    # Called off by itself, after other lines of the order were sent.
    cancelled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(tax_minor__gte=0)
                & Q(discount_minor__gte=0)
                & Q(discount_minor__lte=F("quantity") * F("unit_price_minor")),
                name="orders_line_amounts",
            )
        ]
        indexes = [
            models.Index(
                fields=["referral"], condition=~Q(referral=""), name="orders_line_referral"
            )
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.title}"

    @property
    def total_minor(self) -> int:
        """Return the price of the goods, before discounts and taxes on top."""
        return self.quantity * self.unit_price_minor

    @property
    def paid_minor(self) -> int:
        """Return what the buyer paid for the line: less its discount, with its tax."""
        added = 0 if self.is_tax_inclusive else self.tax_minor
        return self.total_minor - self.discount_minor + added


class OrderEvent(models.Model):
    """Append-only: each change of an order's state, who made it and why."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="events")
    from_state = models.CharField(max_length=20, blank=True)
    to_state = models.CharField(max_length=20)
    reason = models.CharField(max_length=200, blank=True)
    # None: the clock, a provider or a carrier.
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.order_id}: {self.from_state} → {self.to_state}"

    @property
    def label(self) -> str:
        """Name the state that was reached, for people; "" for a note, which changes none."""
        return "" if self.from_state == self.to_state else str(OrderState(self.to_state).label)


class ParcelState(models.TextChoices):
    PENDING = "pending", _("Announced to the carrier")
    COLLECTED = "collected", _("Collected by the carrier")
    IN_TRANSIT = "in_transit", _("On its way")
    DELIVERED = "delivered", _("Delivered")
    EXCEPTION = "exception", _("Held up")
    LOST = "lost", _("Lost")


# Carriers skip steps and tell late: nothing leads back, except that what was lost may be found.
PARCEL_TRANSITIONS: Final[dict[ParcelState, frozenset[ParcelState]]] = {
    ParcelState.PENDING: frozenset(
        {
            ParcelState.COLLECTED,
            ParcelState.IN_TRANSIT,
            ParcelState.DELIVERED,
            ParcelState.EXCEPTION,
            ParcelState.LOST,
        }
    ),
    ParcelState.COLLECTED: frozenset(
        {
            ParcelState.IN_TRANSIT,
            ParcelState.DELIVERED,
            ParcelState.EXCEPTION,
            ParcelState.LOST,
        }
    ),
    ParcelState.IN_TRANSIT: frozenset(
        {ParcelState.DELIVERED, ParcelState.EXCEPTION, ParcelState.LOST}
    ),
    ParcelState.EXCEPTION: frozenset(
        {ParcelState.IN_TRANSIT, ParcelState.DELIVERED, ParcelState.LOST}
    ),
    ParcelState.LOST: frozenset({ParcelState.DELIVERED}),
    ParcelState.DELIVERED: frozenset(),
}


class Parcel(models.Model):
    """What a shop handed to a carrier for one buyer: lines of orders of one group and address."""

    shop = models.ForeignKey("catalog.Shop", on_delete=models.PROTECT, related_name="parcels")
    buyer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="parcels"
    )
    group = models.CharField(max_length=64, blank=True)
    carrier = models.CharField(max_length=20)
    tracking_number = models.CharField(max_length=40)
    state = models.CharField(max_length=12, choices=ParcelState, default=ParcelState.PENDING)
    shipped_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["shop", "carrier", "tracking_number"], name="orders_parcel_once"
            )
        ]
        indexes = [
            models.Index(fields=["shop", "-shipped_at"], name="orders_parcels_of_shop"),
            models.Index(fields=["carrier", "tracking_number"], name="orders_parcel_tracked"),
        ]

    def __str__(self) -> str:
        return f"{self.carrier} {self.tracking_number}"

    @property
    def is_delivered(self) -> bool:
        return self.state == ParcelState.DELIVERED

    @property
    def is_lost(self) -> bool:
        return self.state == ParcelState.LOST


class ParcelLine(models.Model):
    """An order line travels in one parcel, whole."""

    parcel = models.ForeignKey(Parcel, on_delete=models.PROTECT, related_name="lines")
    order_line = models.OneToOneField(
        OrderLine, on_delete=models.PROTECT, related_name="parcel_line"
    )

    def __str__(self) -> str:
        return f"{self.order_line} in {self.parcel}"


class ParcelEvent(models.Model):
    """Append-only: each change of a parcel's state, and what the carrier or the shop said."""

    parcel = models.ForeignKey(Parcel, on_delete=models.PROTECT, related_name="events")
    from_state = models.CharField(max_length=12, blank=True)
    to_state = models.CharField(max_length=12)
    reason = models.CharField(max_length=200, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.parcel_id}: {self.from_state} → {self.to_state}"

    @property
    def label(self) -> str:
        """Name the state that was reached; "" for a note, which changes none."""
        return "" if self.from_state == self.to_state else str(ParcelState(self.to_state).label)
