"""Orders and parcels for operators: to look at; the services move them."""

from django.contrib import admin

from shops.facts.admin import ReadOnly
from shops.orders.models import Order, OrderEvent, OrderLine, Parcel, ParcelEvent, ParcelLine


class LineInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]  # not generic at run time
    model = OrderLine
    extra = 0


class EventInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = OrderEvent
    extra = 0


@admin.register(Order)
class OrderAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("number", "placed_at", "shop", "buyer", "state", "total_minor", "currency")
    list_filter = ("state", "shop")
    list_select_related = ("shop", "buyer")
    search_fields = ("number", "buyer__email", "purchase__id")
    ordering = ("-placed_at",)
    inlines = (LineInline, EventInline)


class ParcelLineInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = ParcelLine
    extra = 0


class ParcelEventInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = ParcelEvent
    extra = 0


@admin.register(Parcel)
class ParcelAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("tracking_number", "carrier", "shipped_at", "shop", "buyer", "state")
    list_filter = ("state", "carrier")
    list_select_related = ("shop", "buyer")
    search_fields = ("tracking_number", "lines__order_line__order__number", "buyer__email")
    ordering = ("-shipped_at",)
    inlines = (ParcelLineInline, ParcelEventInline)
