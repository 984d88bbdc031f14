"""Settlements and payouts for operators: to look at, never to change."""

from django.contrib import admin

from shops.facts.admin import ReadOnly
from shops.payouts.models import (
    Part,
    Payout,
    PayoutAccount,
    PayoutEvent,
    PayoutRun,
    Posting,
    Reserve,
    Settlement,
)


class PartInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]  # not generic at run time
    model = Part
    extra = 0


class PostingInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = Posting
    extra = 0


class PayoutEventInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = PayoutEvent
    extra = 0


@admin.register(Settlement)
class SettlementAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("order", "state", "currency", "total_minor", "left_minor", "due_at")
    list_filter = ("state", "currency")
    search_fields = ("order__number",)
    list_select_related = ("order",)
    ordering = ("-pk",)
    inlines = (PartInline, PostingInline)


@admin.register(Reserve)
class ReserveAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("owner", "amount_minor", "left_minor", "release_at", "released_at")
    search_fields = ("owner",)
    ordering = ("-pk",)


@admin.register(PayoutAccount)
class PayoutAccountAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    # The number itself is in the bank's file and nowhere else.
    fields = ("owner", "holder", "masked", "bic", "changed_by", "created_at", "retired_at")
    readonly_fields = fields
    list_display = ("owner", "holder", "masked", "created_at", "retired_at")
    search_fields = ("owner", "holder")
    ordering = ("-pk",)


@admin.register(PayoutRun)
class PayoutRunAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("started_at", "way", "state", "scheduled_for", "started_by", "done_at")
    list_filter = ("state", "way")
    ordering = ("-started_at",)


@admin.register(Payout)
class PayoutAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("created_at", "owner", "currency", "amount_minor", "state", "run")
    list_filter = ("state", "currency")
    search_fields = ("owner",)
    list_select_related = ("run",)
    ordering = ("-created_at",)
    inlines = (PayoutEventInline,)
