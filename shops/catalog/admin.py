"""Shops, categories and products, for operators."""

from django.contrib import admin

from shops.catalog.models import Category, Product, ProductImage, Shop, ShopStaff, Sku
from shops.facts.admin import ReadOnly


class StaffInline(admin.TabularInline):  # type: ignore[type-arg]  # not generic at run time
    model = ShopStaff
    extra = 0
    autocomplete_fields = ("user",)


@admin.register(Shop)
class ShopAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "slug", "country", "currency", "is_active")
    search_fields = ("name", "slug")
    ordering = ("name",)
    inlines = (StaffInline,)


@admin.register(Category)
class CategoryAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "slug", "position")
    ordering = ("position", "name")


# Products change by feeds and by their sellers, whose services tell the other rooms.
class SkuInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = Sku
    extra = 0


class ImageInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = ProductImage
    extra = 0


@admin.register(Product)
class ProductAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("title", "shop", "status", "category", "updated_at")
    list_filter = ("status", "shop", "category")
    list_select_related = ("shop", "category")
    search_fields = ("title", "handle", "skus__code")
    ordering = ("-updated_at",)
    inlines = (SkuInline, ImageInline)
