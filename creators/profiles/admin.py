"""Creators and their partner shops for operators."""

from django.contrib import admin

from creators.profiles.models import Creator, PartnerShop


class PartnerShopInline(admin.TabularInline):  # type: ignore[type-arg]  # not subscriptable
    model = PartnerShop
    extra = 0


@admin.register(Creator)
class CreatorAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable when it runs
    list_display = ("handle", "name", "user", "category", "created_at")
    list_select_related = ("user", "category")
    search_fields = ("handle", "name", "user__email")
    raw_id_fields = ("user",)
    inlines = (PartnerShopInline,)
