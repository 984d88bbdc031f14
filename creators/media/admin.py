"""Streams for operators, to read; they change through the services."""

from django.contrib import admin
from django.http import HttpRequest

from creators.media.models import Caption, Segment, Stream, StreamKey


class _ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable when it runs
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Stream)
class StreamAdmin(_ReadOnly):
    list_display = ("id", "creator", "source", "run", "receiving_since", "lost_at", "trouble_code")
    list_select_related = ("creator",)
    search_fields = ("creator__handle",)


@admin.register(StreamKey)
class StreamKeyAdmin(_ReadOnly):
    list_display = ("creator", "hint", "rev", "made_at", "target")
    list_select_related = ("creator", "target")
    exclude = ("digest",)
    search_fields = ("creator__handle",)


@admin.register(Segment)
class SegmentAdmin(_ReadOnly):
    list_display = ("stream", "run", "first", "starts_at", "duration_ms", "size_bytes")
    search_fields = ("name",)


@admin.register(Caption)
class CaptionAdmin(_ReadOnly):
    list_display = ("stream", "starts_at", "language", "source", "text")
    search_fields = ("text",)
