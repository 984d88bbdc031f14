"""Tokens, endpoints and what was delivered, for operators: to look at."""

from django.contrib import admin

from shops.facts.admin import ReadOnly
from shops.webhooks.models import ApiToken, Attempt, Endpoint, Message, ToldLevel


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    list_display = ("prefix", "name", "user", "shop", "created_at", "last_used_at", "revoked_at")
    list_select_related = ("user", "shop")
    search_fields = ("prefix", "name", "user__email")
    exclude = ("sha256",)
    ordering = ("-created_at",)


@admin.register(Endpoint)
class EndpointAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("url", "shop", "is_enabled", "disabled_reason", "failing_since")
    list_select_related = ("shop",)
    list_filter = ("is_enabled", "disabled_reason")
    # The shop's secrets are no business of operators.
    exclude = ("secret", "old_secret")
    ordering = ("-created_at",)


class AttemptInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = Attempt
    extra = 0


@admin.register(Message)
class MessageAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("id", "type", "endpoint", "state", "tries", "created_at", "delivered_at")
    list_filter = ("state", "type")
    list_select_related = ("endpoint",)
    ordering = ("-created_at",)
    show_full_result_count = False
    inlines = (AttemptInline,)


@admin.register(ToldLevel)
class ToldLevelAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("endpoint", "sku", "rev")
    list_select_related = ("endpoint", "sku__product")
    show_full_result_count = False
