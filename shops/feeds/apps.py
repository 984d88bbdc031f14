"""App registration of the room."""

from django.apps import AppConfig


class FeedsConfig(AppConfig):
    name = "shops.feeds"
    label = "feeds"
    default_auto_field = "django.db.models.BigAutoField"
