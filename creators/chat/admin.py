"""The chat for operators, to read; what is done to it goes through the services."""

from django.contrib import admin

from creators.chat import models
from shops.facts.admin import ReadOnly


@admin.register(models.Message)
class MessageAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    list_display = ("sent_at", "piece", "author", "body", "state", "deleted_at")
    list_select_related = ("piece", "author")
    list_filter = ("state",)
    search_fields = ("body", "author__email")


@admin.register(models.PinnedLine)
class PinnedLineAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # as above
    list_display = ("piece", "message", "by", "at")
    list_select_related = ("piece", "message", "by")


@admin.register(models.Question)
class QuestionAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # as above
    list_display = ("asked_at", "piece", "author", "body", "votes", "answered_at", "deleted_at")
    list_select_related = ("piece", "author")
    search_fields = ("body", "author__email")


@admin.register(models.Vote)
class VoteAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # as above
    list_display = ("question", "user")
    list_select_related = ("question", "user")


@admin.register(models.Moderator)
class ModeratorAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # as above
    list_display = ("creator", "piece", "user", "added_by", "at")
    list_select_related = ("creator", "piece", "user", "added_by")


@admin.register(models.Sanction)
class SanctionAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # as above
    list_display = ("at", "kind", "creator", "piece", "user", "by", "until", "lifted_at", "reason")
    list_select_related = ("creator", "piece", "user", "by")
    list_filter = ("kind",)
    search_fields = ("user__email", "reason")


@admin.register(models.ChatRules)
class ChatRulesAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # as above
    list_display = ("creator", "piece", "slow_seconds", "hold_seconds", "followers_only")
    list_select_related = ("creator", "piece")


@admin.register(models.Filter)
class FilterAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # as above
    list_display = ("creator", "kind", "text", "effect", "made_by", "at", "removed_at")
    list_select_related = ("creator", "made_by")
    list_filter = ("kind", "effect")


@admin.register(models.Action)
class ActionAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # as above
    list_display = ("at", "kind", "creator", "piece", "by", "subject", "reason", "undone_at")
    list_select_related = ("creator", "piece", "by", "subject")
    list_filter = ("kind",)
    search_fields = ("reason", "by__email", "subject__email")


@admin.register(models.Appeal)
class AppealAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # as above
    list_display = ("at", "sanction", "text", "state", "answer", "answered_by")
    list_select_related = ("sanction", "answered_by")
    list_filter = ("state",)
