"""Views and clicks that count, for operators: to look at, never to change."""

from django.contrib import admin

from creators.audience.models import ProductClick, QualifiedView
from shops.facts.admin import ReadOnly


@admin.register(QualifiedView)
class QualifiedViewAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    list_display = ("at", "piece", "viewer", "day")
    list_select_related = ("piece",)
    date_hierarchy = "day"
    ordering = ("-at",)
    show_full_result_count = False


@admin.register(ProductClick)
class ProductClickAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("at", "piece", "product", "viewer", "day")
    list_select_related = ("piece", "product")
    date_hierarchy = "day"
    ordering = ("-at",)
    show_full_result_count = False
