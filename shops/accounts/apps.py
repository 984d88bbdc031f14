"""App registration of the room."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "shops.accounts"
    label = "accounts"
    default_auto_field = "django.db.models.BigAutoField"
