"""Carts, and quotes: what a cart costs, kept with its stock until a time."""

import uuid
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from shops.checkout.quote_rows import QuoteRows


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

    # How many units are in it, once a change of it has counted them.
    counted: int | None = None

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
    # The index of the constraint begins with it.
    cart = models.ForeignKey(Cart, on_delete=models.CASCADE, related_name="lines", db_index=False)
    sku = models.ForeignKey("catalog.Sku", on_delete=models.PROTECT, related_name="cart_lines")
    quantity = models.PositiveIntegerField()
    referral = models.CharField(max_length=255, blank=True)
    # The price when it was put in; a change is shown before buying.
    seen_price_minor = models.BigIntegerField()
    added_at = models.DateTimeField()
    # What keeps these units, for products that are kept as soon as they are in a cart.
    hold_id = models.UUIDField(null=True, blank=True, unique=True)

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
    """Prices that are honoured, and stock that is held, until `expires_at`.

    `total = goods - discount + shipping + taxes that prices do not include`; `tax_minor` is all
    taxes, those that prices include too. `signature` is an HMAC over all that is promised.
    """

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        ORDERED = "ordered", _("Ordered")
        CLOSED = "closed", _("Closed")

    # What its page is made of (`quote_rows`), where it was started to be shown.
    rows: "QuoteRows | None" = None

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    buyer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="quotes"
    )
    cart_version = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    # Where it goes to: shipping and taxes are of this country.
    country = models.CharField(max_length=2, blank=True)
    currency = models.CharField(max_length=3)
    goods_minor = models.BigIntegerField(default=0)
    discount_minor = models.BigIntegerField(default=0)
    shipping_minor = models.BigIntegerField(default=0)
    tax_minor = models.BigIntegerField(default=0)
    total_minor = models.BigIntegerField()
    signature = models.CharField(max_length=64, blank=True)
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
    # A hold that is shared can be in several quotes, one after the other.
    hold_id = models.UUIDField(db_index=True)
    quantity = models.PositiveIntegerField()
    unit_price_minor = models.BigIntegerField()
    # The price without the deal; the same where there is none.
    list_price_minor = models.BigIntegerField(default=0)
    discount_minor = models.BigIntegerField(default=0)
    tax_minor = models.BigIntegerField(default=0)
    tax_bps = models.PositiveIntegerField(default=0)
    is_tax_inclusive = models.BooleanField(default=True)
    # False for what is reserved only when it is paid: `hold_id` is the hold to make then.
    is_held = models.BooleanField(default=True)
    # The hold is the cart line's or a waitlist offer's: it stays when the quote closes.
    is_shared = models.BooleanField(default=False)
    most_per_buyer = models.PositiveIntegerField(null=True, blank=True)
    referral = models.CharField(max_length=255, blank=True)

    def __str__(self) -> str:
        return f"{self.quantity} × {self.sku_id}"

    @property
    def total_minor(self) -> int:
        return self.quantity * self.unit_price_minor

    @property
    def list_total_minor(self) -> int:
        return self.quantity * self.list_price_minor

    @property
    def is_deal(self) -> bool:
        return self.unit_price_minor < self.list_price_minor


class QuoteShipment(models.Model):
    """How one shop's part of a quote is sent, and for how much."""

    # The index of the constraint begins with it.
    quote = models.ForeignKey(
        Quote, on_delete=models.CASCADE, related_name="shipments", db_index=False
    )
    shop = models.ForeignKey("catalog.Shop", on_delete=models.PROTECT, related_name="+")
    # Null where the shop has set up none, or one was deleted since: what is promised stands here.
    method = models.ForeignKey(
        "pricing.ShippingMethod", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    name = models.CharField(max_length=60)
    amount_minor = models.BigIntegerField()
    tax_minor = models.BigIntegerField(default=0)
    tax_bps = models.PositiveIntegerField(default=0)
    is_tax_inclusive = models.BooleanField(default=True)
    # False when the shop does not send to the quote's country: it can't be ordered so.
    is_available = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["quote", "shop"], name="checkout_shipment_once")
        ]

    def __str__(self) -> str:
        return f"{self.shop_id}: {self.name}"


class QuoteVoucher(models.Model):
    """A voucher that a quote counts in; it is used up when the quote is ordered."""

    quote = models.ForeignKey(Quote, on_delete=models.CASCADE, related_name="vouchers")
    voucher = models.ForeignKey("pricing.Voucher", on_delete=models.PROTECT, related_name="+")
    code = models.CharField(max_length=40)
    discount_minor = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["quote", "voucher"], name="checkout_voucher_once")
        ]

    def __str__(self) -> str:
        return self.code


class GuestLink(models.Model):
    """A way to check out that was mailed to somebody without an account; it works once."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    email = models.EmailField()
    # The cart to go on with.
    cart_token = models.UUIDField(null=True)
    address = models.JSONField(default=dict)
    # The page to go on to; "" is the checkout.
    next_path = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.email} {self.created_at:%F %T}"
