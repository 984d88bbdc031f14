"""What a shop asks besides the price of its goods, and what it takes off for a while."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

MOST_BPS = 10_000


class ShippingMethod(models.Model):
    """A way in which a shop sends parcels; without any, it sends everywhere for free."""

    shop = models.ForeignKey(
        "catalog.Shop", on_delete=models.CASCADE, related_name="shipping_methods"
    )
    name = models.CharField(_("name"), max_length=60)
    # Working days from order to door.
    days_min = models.PositiveSmallIntegerField(_("days, at least"), default=2)
    days_max = models.PositiveSmallIntegerField(_("days, at most"), default=5)
    is_active = models.BooleanField(_("offered to buyers"), default=True)
    position = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(days_min__lte=F("days_max")), name="pricing_method_days"
            )
        ]

    def __str__(self) -> str:
        return self.name


class ShippingRate(models.Model):
    """What a method costs to a country ("" is every country that has no rate of its own)."""

    method = models.ForeignKey(ShippingMethod, on_delete=models.CASCADE, related_name="rates")
    country = models.CharField(_("country"), max_length=2, blank=True)
    base_minor = models.BigIntegerField()
    per_item_minor = models.BigIntegerField(default=0)
    # Goods worth this much after vouchers are sent for free.
    free_from_minor = models.BigIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["method", "country"], name="pricing_rate_once"),
            models.CheckConstraint(
                condition=Q(base_minor__gte=0, per_item_minor__gte=0)
                & (Q(free_from_minor__isnull=True) | Q(free_from_minor__gte=0)),
                name="pricing_rate_amounts",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.method} → {self.country or '*'}"


class TaxRate(models.Model):
    """What a country takes, for one category or (null) for all that have no rate of their own."""

    country = models.CharField(max_length=2)
    category = models.ForeignKey(
        "catalog.Category",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="tax_rates",
    )
    bps = models.PositiveIntegerField(_("rate in hundredths of a per cent"))
    is_inclusive = models.BooleanField(_("prices include it"), default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["country", "category"], name="pricing_tax_once", nulls_distinct=False
            ),
            models.CheckConstraint(condition=Q(bps__lte=MOST_BPS), name="pricing_tax_bps"),
        ]

    def __str__(self) -> str:
        return f"{self.country} {self.bps} bps"


class Deal(models.Model):
    """A lower price of one SKU for a while; of several at once the lowest counts."""

    sku = models.ForeignKey("catalog.Sku", on_delete=models.CASCADE, related_name="deals")
    price_minor = models.BigIntegerField()
    starts_at = models.DateTimeField()
    # Ending a deal early moves this to now.
    ends_at = models.DateTimeField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(price_minor__gte=0), name="pricing_deal_price"),
            models.CheckConstraint(
                condition=Q(ends_at__gte=F("starts_at")), name="pricing_deal_times"
            ),
        ]
        indexes = [models.Index(fields=["sku", "ends_at"], name="pricing_deal_of_sku")]

    def __str__(self) -> str:
        return f"{self.sku_id}: {self.price_minor}"

    def is_running(self, now: datetime) -> bool:
        return self.starts_at <= now < self.ends_at

    def is_over(self, now: datetime) -> bool:
        return self.ends_at <= now


class Voucher(models.Model):
    """A code that takes a share or an amount off what a shop's goods cost.

    `used` counts the orders that have it; the database keeps it within `most_uses`.
    """

    class Kind(models.TextChoices):
        PERCENT = "percent", _("Per cent")
        AMOUNT = "amount", _("Amount")

    shop = models.ForeignKey("catalog.Shop", on_delete=models.CASCADE, related_name="vouchers")
    # In upper case.
    code = models.CharField(_("code"), max_length=40)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    bps = models.PositiveIntegerField(default=0)
    amount_minor = models.BigIntegerField(default=0)
    # Of the shop's goods, deals counted, vouchers not.
    min_minor = models.BigIntegerField(default=0)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    most_uses = models.PositiveIntegerField(null=True, blank=True)
    most_per_buyer = models.PositiveIntegerField(null=True, blank=True)
    used = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["shop", "code"], name="pricing_voucher_code"),
            models.CheckConstraint(
                condition=Q(kind="percent", bps__gte=1, bps__lte=MOST_BPS, amount_minor=0)
                | Q(kind="amount", amount_minor__gte=1, bps=0),
                name="pricing_voucher_kind",
            ),
            models.CheckConstraint(condition=Q(min_minor__gte=0), name="pricing_voucher_min"),
            models.CheckConstraint(
                condition=Q(most_uses__isnull=True) | Q(used__lte=F("most_uses")),
                name="pricing_voucher_uses",
            ),
        ]

    def __str__(self) -> str:
        return self.code

    def is_running(self, now: datetime) -> bool:
        return self.starts_at <= now and (self.ends_at is None or now < self.ends_at)

    def is_over(self, now: datetime) -> bool:
        return self.ends_at is not None and self.ends_at <= now


class VoucherUse(models.Model):
    """A voucher in an order; given back when that order comes to nothing."""

    voucher = models.ForeignKey(Voucher, on_delete=models.PROTECT, related_name="uses")
    buyer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="voucher_uses"
    )
    # The purchase it went into; that room stands above this one.
    purchase_id = models.UUIDField()
    discount_minor = models.BigIntegerField()
    used_at = models.DateTimeField()
    given_back_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["voucher", "purchase_id"], name="pricing_use_once")
        ]
        indexes = [
            models.Index(fields=["purchase_id"], name="pricing_use_of_purchase"),
        ]

    def __str__(self) -> str:
        return f"{self.voucher_id} in {self.purchase_id}"
