"""Follows for operators, to read."""

from django.contrib import admin

from creators.social.models import Follow
from shops.facts.admin import ReadOnly


@admin.register(Follow)
class FollowAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    list_display = ("creator", "user", "since")
    list_select_related = ("creator", "user")
    search_fields = ("creator__handle", "user__email")
