"""The books for operators: to look at, never to change."""

from django.contrib import admin

from shops.facts.admin import ReadOnly
from shops.ledger.models import Account, Checkpoint, Entry, Journal


class EntryInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]  # not generic at run time
    model = Entry
    extra = 0


@admin.register(Journal)
class JournalAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("posted_at", "source", "key", "description")
    list_filter = ("source",)
    search_fields = ("key",)
    ordering = ("-posted_at",)
    inlines = (EntryInline,)


@admin.register(Account)
class AccountAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("kind", "owner", "currency")
    list_filter = ("kind", "currency")
    search_fields = ("owner",)


@admin.register(Checkpoint)
class CheckpointAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("at", "account", "entry_id", "balance_minor")
    list_select_related = ("account",)
    ordering = ("-pk",)
