"""Operators' pages of users, roles and addresses."""

from typing import Any

from allauth.account.adapter import get_adapter
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from shops.accounts.models import Address, Grant, User


class PasswordForm(AdminPasswordChangeForm):  # type: ignore[type-arg]
    """An operator's new password for somebody has the same consequences as the user's own."""

    def save(self, commit: bool = True) -> User:
        user: User = super().save(commit=commit)
        given = self.cleaned_data.get("password1")
        if commit and given:
            get_adapter().set_password(user, given)
        return user


class GrantInline(admin.TabularInline):  # type: ignore[type-arg]  # not generic at run time
    model = Grant
    extra = 0
    readonly_fields = ["granted_at"]


@admin.register(User)
class UserAdmin(DjangoUserAdmin):  # type: ignore[type-arg]
    """Django's page for users, without a username."""

    change_password_form = PasswordForm
    ordering = ["email"]
    list_display = ["email", "display_name", "is_active", "is_staff", "date_joined"]
    list_filter = ["is_active", "is_staff", "grants__role"]
    search_fields = ["email", "display_name"]
    readonly_fields = ["date_joined", "last_login"]
    inlines = [GrantInline]
    fieldsets = [
        (None, {"fields": ["email", "password"]}),
        (_("Person"), {"fields": ["display_name", "birth_date"]}),
        (
            _("Permissions"),
            {"fields": ["is_active", "is_staff", "is_superuser", "groups", "user_permissions"]},
        ),
        (_("Dates"), {"fields": ["last_login", "date_joined"]}),
    ]
    add_fieldsets = [
        (
            None,
            {
                "classes": ["wide"],
                "fields": ["email", "display_name", "usable_password", "password1", "password2"],
            },
        )
    ]

    def get_inline_instances(self, request: HttpRequest, obj: Any = None) -> Any:
        # A user that is being added has nobody to hang grants on yet.
        return super().get_inline_instances(request, obj) if obj is not None else []


@admin.register(Address)
class AddressAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["full_name", "postal_code", "city", "country", "user", "is_default"]
    list_filter = ["country"]
    list_select_related = ["user"]
    search_fields = ["full_name", "city", "user__email"]
    autocomplete_fields = ["user"]
