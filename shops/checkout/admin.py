"""Quotes and guests' links for operators: to look at; they close by themselves."""

from django.contrib import admin

from shops.checkout.models import GuestLink, Quote, QuoteLine, QuoteShipment, QuoteVoucher
from shops.facts.admin import ReadOnly


class LineInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]  # not generic at run time
    model = QuoteLine
    extra = 0


class ShipmentInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = QuoteShipment
    extra = 0


class VoucherInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = QuoteVoucher
    extra = 0


@admin.register(Quote)
class QuoteAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("id", "buyer", "state", "total_minor", "currency", "created_at", "expires_at")
    list_filter = ("state",)
    list_select_related = ("buyer",)
    search_fields = ("id", "buyer__email")
    ordering = ("-created_at",)
    inlines = (LineInline, ShipmentInline, VoucherInline)


@admin.register(GuestLink)
class GuestLinkAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("email", "created_at", "expires_at", "used_at")
    search_fields = ("email",)
    ordering = ("-created_at",)
