"""Stock, holds, movements and the waitlist, for operators: to look at; services change them."""

from django.contrib import admin

from shops.facts.admin import ReadOnly
from shops.stock.models import (
    Hold,
    ReservationPolicy,
    Stock,
    StockMovement,
    WaitlistEntry,
    WaitlistEvent,
)


@admin.register(Stock)
class StockAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    list_display = ("sku", "on_hand", "reserved", "rev")
    list_select_related = ("sku__product",)
    search_fields = ("sku__code", "sku__product__title")


@admin.register(Hold)
class HoldAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("id", "sku", "quantity", "state", "created_at", "expires_at")
    list_filter = ("state",)
    list_select_related = ("sku__product",)
    ordering = ("-created_at",)
    show_full_result_count = False


@admin.register(StockMovement)
class StockMovementAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("id", "at", "sku", "kind", "quantity", "hold_id", "actor", "reason")
    list_filter = ("kind",)
    list_select_related = ("sku__product", "actor")
    search_fields = ("sku__code", "sku__product__title")
    ordering = ("-id",)
    show_full_result_count = False


@admin.register(ReservationPolicy)
class ReservationPolicyAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("product", "mode", "hold_seconds", "most_per_buyer")
    list_filter = ("mode",)
    list_select_related = ("product",)


class WaitlistEventInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = WaitlistEvent
    extra = 0


@admin.register(WaitlistEntry)
class WaitlistEntryAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("id", "joined_at", "sku", "user", "quantity", "state", "offer_until")
    list_filter = ("state",)
    list_select_related = ("sku__product", "user")
    search_fields = ("user__email", "sku__code", "sku__product__title")
    ordering = ("-id",)
    show_full_result_count = False
    inlines = (WaitlistEventInline,)
