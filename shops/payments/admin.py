"""Payments and refunds for operators: to look at; only the provider's word changes them."""

from django.contrib import admin

from shops.facts.admin import ReadOnly
from shops.payments.models import (
    CapturedShare,
    ChargeBack,
    Payment,
    PaymentEvent,
    ProviderMessage,
    Refund,
)


class PaymentEventInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]  # not generic at run time
    model = PaymentEvent
    extra = 0


class CapturedShareInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = CapturedShare
    extra = 0


@admin.register(Payment)
class PaymentAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("created_at", "id", "purchase", "state", "amount_minor", "currency")
    list_filter = ("state", "provider")
    search_fields = ("id", "purchase__id", "purchase__orders__number")
    ordering = ("-created_at",)
    inlines = (PaymentEventInline, CapturedShareInline)


@admin.register(Refund)
class RefundAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("created_at", "order", "state", "amount_minor", "reason", "requested_by")
    list_filter = ("state",)
    search_fields = ("id", "order__number")
    ordering = ("-created_at",)


@admin.register(ProviderMessage)
class ProviderMessageAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("received_at", "provider", "message_id")
    search_fields = ("message_id",)
    ordering = ("-received_at",)


@admin.register(ChargeBack)
class ChargeBackAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("told_at", "payment", "amount_minor", "reason", "provider_ref")
    search_fields = ("payment__id", "provider_ref")
    ordering = ("-told_at",)
