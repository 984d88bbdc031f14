"""App registration of the room."""

from django.apps import AppConfig


class FactsConfig(AppConfig):
    name = "shops.facts"
    label = "facts"
    default_auto_field = "django.db.models.BigAutoField"
