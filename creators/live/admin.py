"""Shows, pins and their history for operators, to read; hosts change them through the services."""

from django.contrib import admin
from django.http import HttpRequest

from creators.live.models import Clip, LiveSession, Pin, Replay, ShowEvent


class _ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable when it runs
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(LiveSession)
class LiveSessionAdmin(_ReadOnly):
    list_display = ("piece", "state", "scheduled_at", "started_at", "ended_at")
    list_filter = ("state",)
    list_select_related = ("piece",)
    search_fields = ("piece__title", "piece__creator__handle")


@admin.register(Pin)
class PinAdmin(_ReadOnly):
    list_display = ("session", "product", "pinned_at", "unpinned_at")
    list_select_related = ("session", "product")


@admin.register(ShowEvent)
class ShowEventAdmin(_ReadOnly):
    list_display = ("session", "from_state", "to_state", "at")
    list_select_related = ("session",)


@admin.register(Replay)
class ReplayAdmin(_ReadOnly):
    list_display = ("session", "state", "starts_at", "ends_at", "duration_ms", "made_at")
    list_filter = ("state",)
    list_select_related = ("session",)
    search_fields = ("session__piece__title", "session__piece__creator__handle")


@admin.register(Clip)
class ClipAdmin(_ReadOnly):
    list_display = ("session", "pin", "starts_at", "ends_at", "clicks", "is_hidden")
    list_filter = ("is_hidden",)
    list_select_related = ("session", "pin")
