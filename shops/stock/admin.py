"""Stock and its holds, for operators: to look at; services change them, one statement each."""

from django.contrib import admin

from shops.facts.admin import ReadOnly
from shops.stock.models import Hold, HoldEvent, Stock


@admin.register(Stock)
class StockAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    list_display = ("sku", "on_hand", "reserved", "rev")
    list_select_related = ("sku__product",)
    search_fields = ("sku__code", "sku__product__title")


class HoldEventInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = HoldEvent
    extra = 0


@admin.register(Hold)
class HoldAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("id", "sku", "quantity", "state", "created_at", "expires_at")
    list_filter = ("state",)
    list_select_related = ("sku__product",)
    ordering = ("-created_at",)
    show_full_result_count = False
    inlines = (HoldEventInline,)
