"""Shops and what they offer: products with options, SKUs, images, in categories."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext_lazy as _


class Category(models.Model):
    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=60)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name_plural = _("categories")

    def __str__(self) -> str:
        return self.name


class Shop(models.Model):
    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=80)
    currency = models.CharField(max_length=3, default="EUR")
    country = models.CharField(max_length=2, default="IT")
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.name

    @property
    def url(self) -> str:
        return reverse("catalog:shop", args=[self.slug])


class ShopStaff(models.Model):
    """Who may manage a shop."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="staff")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="staff_of"
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shop", "user"], name="catalog_staff_once")]

    def __str__(self) -> str:
        return f"{self.user} of {self.shop}"


class Product(models.Model):
    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        ACTIVE = "active", _("Active")
        ARCHIVED = "archived", _("Archived")

    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="products")
    handle = models.CharField(max_length=255)
    title = models.CharField(max_length=255)
    description_html = models.TextField(blank=True)
    vendor = models.CharField(max_length=255, blank=True)
    category = models.ForeignKey(
        Category, null=True, blank=True, on_delete=models.SET_NULL, related_name="products"
    )
    tags = ArrayField(models.CharField(max_length=255), default=list, blank=True)
    option_names = ArrayField(models.CharField(max_length=255), default=list, blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["shop", "handle"], name="catalog_product_handle")
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_active(self) -> bool:
        return self.status == self.Status.ACTIVE

    @property
    def url(self) -> str:
        """Where the product's page is; needs the shop."""
        return reverse("catalog:product", args=[self.shop.slug, self.handle])


class ProductImage(models.Model):
    """A picture: a static file of ours (`static_path`) or the feed's address (`source_url`)."""

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="images")
    position = models.PositiveSmallIntegerField(default=1)
    source_url = models.TextField(blank=True)
    static_path = models.CharField(max_length=255, blank=True)
    alt = models.CharField(max_length=512, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["product", "source_url"], name="catalog_image_once")
        ]

    def __str__(self) -> str:
        return f"{self.product} #{self.position}"

    @property
    def url(self) -> str:
        return static(self.static_path) if self.static_path else self.source_url


class Sku(models.Model):
    """One buyable variant; `options` are the values in the order of the product's option names."""

    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="skus")
    code = models.CharField(max_length=255, blank=True)
    options = ArrayField(models.CharField(max_length=255), default=list, blank=True)
    price_minor = models.BigIntegerField()
    compare_at_minor = models.BigIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3)
    barcode = models.CharField(max_length=64, blank=True)
    grams = models.PositiveIntegerField(default=0)
    position = models.PositiveSmallIntegerField(default=1)
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["product", "options"], name="catalog_sku_options"),
            models.CheckConstraint(
                condition=models.Q(price_minor__gte=0), name="catalog_sku_price"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.product} {self.options_text}".strip()

    @property
    def options_text(self) -> str:
        """Join the option values for people; empty for a product without options."""
        return " / ".join(self.options)
