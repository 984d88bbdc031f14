"""What happened and what followed, for operators: to look at, never to change."""

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from shops.facts.models import Event, IdempotencyKey, Reaction


class ReadOnly:
    """Mixed into an admin class, lets operators look at its rows and do nothing else."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ReactionInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]  # not generic at run time
    model = Reaction
    extra = 0


@admin.register(Event)
class EventAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("id", "occurred_at", "kind", "payload")
    list_filter = ("kind",)
    ordering = ("-id",)
    show_full_result_count = False
    inlines = (ReactionInline,)


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("created_at", "scope", "key", "status", "leased_until")
    search_fields = ("key", "scope")
    ordering = ("-created_at",)
    show_full_result_count = False
