"""Pieces of content and what they show, for operators: to look at; rooms above change them."""

from django.contrib import admin

from creators.pieces.models import Piece, PieceProduct
from shops.facts.admin import ReadOnly


class PieceProductInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]  # not generic at run time
    model = PieceProduct
    extra = 0


@admin.register(Piece)
class PieceAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("title", "kind", "creator", "category", "created_at")
    list_filter = ("kind", "category")
    list_select_related = ("creator", "category")
    search_fields = ("title", "creator__handle")
    ordering = ("-created_at",)
    inlines = (PieceProductInline,)
