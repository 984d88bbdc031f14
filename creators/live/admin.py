"""Shows, pins and their history for operators, to read; hosts change them through the services."""

from django.contrib import admin

from creators.live.models import Clip, LiveSession, Pin, Replay, ShowEvent
from shops.facts.admin import ReadOnly


@admin.register(LiveSession)
class LiveSessionAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    list_display = ("piece", "state", "scheduled_at", "started_at", "ended_at")
    list_filter = ("state",)
    list_select_related = ("piece",)
    search_fields = ("piece__title", "piece__creator__handle")


@admin.register(Pin)
class PinAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    list_display = ("session", "product", "pinned_at", "unpinned_at")
    list_select_related = ("session", "product")


@admin.register(ShowEvent)
class ShowEventAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    list_display = ("session", "from_state", "to_state", "at")
    list_select_related = ("session",)


@admin.register(Replay)
class ReplayAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    list_display = ("session", "state", "starts_at", "ends_at", "duration_ms", "made_at")
    list_filter = ("state",)
    list_select_related = ("session",)
    search_fields = ("session__piece__title", "session__piece__creator__handle")


@admin.register(Clip)
class ClipAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    list_display = ("session", "pin", "starts_at", "ends_at", "clicks", "is_hidden")
    list_filter = ("is_hidden",)
    list_select_related = ("session", "pin")
