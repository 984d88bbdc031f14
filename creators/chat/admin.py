"""The chat for operators, to read; lines are deleted and users muted through the services."""

from django.contrib import admin

from creators.chat.models import Message, Mute
from shops.facts.admin import ReadOnly


@admin.register(Message)
class MessageAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    list_display = ("sent_at", "piece", "author", "body", "deleted_at")
    list_select_related = ("piece", "author")
    search_fields = ("body", "author__email")


@admin.register(Mute)
class MuteAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    list_display = ("piece", "user", "muted_by", "at", "until", "lifted_at", "reason")
    list_select_related = ("piece", "user", "muted_by")
