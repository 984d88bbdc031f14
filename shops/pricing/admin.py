"""Taxes are set here by operators; what shops set is here to look at."""

from django.contrib import admin

from shops.facts.admin import ReadOnly
from shops.pricing.models import Deal, ShippingMethod, ShippingRate, TaxRate, Voucher, VoucherUse


@admin.register(TaxRate)
class TaxRateAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    list_display = ("country", "category", "bps", "is_inclusive")
    list_filter = ("country",)
    list_select_related = ("category",)
    ordering = ("country", "category")


class RateInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = ShippingRate
    extra = 0


@admin.register(ShippingMethod)
class ShippingMethodAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("shop", "name", "days_min", "days_max", "is_active")
    list_select_related = ("shop",)
    ordering = ("shop", "position", "id")
    inlines = (RateInline,)


@admin.register(Deal)
class DealAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("sku", "price_minor", "starts_at", "ends_at")
    list_select_related = ("sku__product",)
    ordering = ("-starts_at",)


class UseInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = VoucherUse
    extra = 0


@admin.register(Voucher)
class VoucherAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("shop", "code", "kind", "used", "most_uses", "starts_at", "ends_at")
    list_select_related = ("shop",)
    search_fields = ("code",)
    ordering = ("-starts_at",)
    inlines = (UseInline,)
