"""Feed imports and their errors, for operators: to look at, never to change."""

from django.contrib import admin

from shops.facts.admin import ReadOnly
from shops.feeds.models import FeedError, FeedImport


class FeedErrorInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]  # not generic at run time
    model = FeedError
    extra = 0
    max_num = 0


@admin.register(FeedImport)
class FeedImportAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = (
        "finished_at", "shop", "file_name", "products_created", "products_updated",
        "products_unchanged", "products_rejected",
    )  # fmt: skip
    list_filter = ("shop",)
    list_select_related = ("shop",)
    ordering = ("-finished_at",)
    inlines = (FeedErrorInline,)
