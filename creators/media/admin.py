"""Streams for operators, to read; they change through the services."""

from django.contrib import admin

from creators.media.models import Caption, Segment, Stream, StreamKey
from shops.facts.admin import ReadOnly


@admin.register(Stream)
class StreamAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    list_display = ("id", "creator", "source", "run", "receiving_since", "lost_at", "trouble_code")
    list_select_related = ("creator",)
    search_fields = ("creator__handle",)


@admin.register(StreamKey)
class StreamKeyAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    list_display = ("creator", "hint", "rev", "made_at", "target")
    list_select_related = ("creator", "target")
    exclude = ("digest",)
    search_fields = ("creator__handle",)


@admin.register(Segment)
class SegmentAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    list_display = ("stream", "run", "first", "starts_at", "duration_ms", "size_bytes")
    search_fields = ("name",)


@admin.register(Caption)
class CaptionAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    list_display = ("stream", "starts_at", "language", "source", "text")
    search_fields = ("text",)
