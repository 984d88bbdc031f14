"""Formulas, snapshots and scores for operators, to read only: history is never edited."""

from django.contrib import admin
from django.http import HttpRequest

from creators.scoring.models import Formula, Score, Snapshot


class _ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable when it runs
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Formula)
class FormulaAdmin(_ReadOnly):
    list_display = ("version", "active_from")


@admin.register(Snapshot)
class SnapshotAdmin(_ReadOnly):
    list_display = ("taken_at", "formula")


@admin.register(Score)
class ScoreAdmin(_ReadOnly):
    list_display = ("creator", "indicator", "value", "low", "high", "is_provisional", "computed_at")
    list_filter = ("indicator", "is_provisional")
    list_select_related = ("creator",)
    search_fields = ("creator__handle", "creator__name")
