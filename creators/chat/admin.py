"""The chat for operators, to read; lines are deleted and users muted through the services."""

from django.contrib import admin
from django.http import HttpRequest

from creators.chat.models import Message, Mute


class _ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable when it runs
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Message)
class MessageAdmin(_ReadOnly):
    list_display = ("sent_at", "piece", "author", "body", "deleted_at")
    list_select_related = ("piece", "author")
    search_fields = ("body", "author__email")


@admin.register(Mute)
class MuteAdmin(_ReadOnly):
    list_display = ("piece", "user", "muted_by", "at", "until", "lifted_at", "reason")
    list_select_related = ("piece", "user", "muted_by")
