"""Formulas, snapshots and scores for operators, to read only: history is never edited."""

from django.contrib import admin

from creators.scoring.models import Formula, Score, Snapshot
from shops.facts.admin import ReadOnly


@admin.register(Formula)
class FormulaAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    list_display = ("version", "active_from")


@admin.register(Snapshot)
class SnapshotAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    list_display = ("taken_at", "formula")


@admin.register(Score)
class ScoreAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    list_display = ("creator", "indicator", "value", "low", "high", "is_provisional", "computed_at")
    list_filter = ("indicator", "is_provisional")
    list_select_related = ("creator",)
    search_fields = ("creator__handle", "creator__name")
