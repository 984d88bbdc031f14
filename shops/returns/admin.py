"""Returns for operators: to look at; the services move them, the dispute desk decides."""

from django.contrib import admin

from shops.facts.admin import ReadOnly
from shops.returns.models import (
    Dispute,
    DisputeMessage,
    Return,
    ReturnEvent,
    ReturnLine,
    ReturnPhoto,
    ReturnRefund,
)


class LineInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]  # not generic at run time
    model = ReturnLine
    extra = 0


class PhotoInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = ReturnPhoto
    extra = 0


class RefundInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = ReturnRefund
    extra = 0


class EventInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = ReturnEvent
    extra = 0


class MessageInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = DisputeMessage
    extra = 0


@admin.register(Return)
class ReturnAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("requested_at", "order", "buyer", "reason", "state", "refund_minor", "currency")
    list_filter = ("state", "reason", "order__shop")
    list_select_related = ("order", "buyer")
    search_fields = ("order__number", "buyer__email")
    ordering = ("-requested_at",)
    inlines = (LineInline, PhotoInline, RefundInline, EventInline)


@admin.register(Dispute)
class DisputeAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("opened_at", "case", "state", "decide_by", "refund_minor", "decided_by")
    list_filter = ("state",)
    list_select_related = ("case", "decided_by")
    search_fields = ("case__order__number", "case__buyer__email")
    ordering = ("-opened_at",)
    inlines = (MessageInline,)
