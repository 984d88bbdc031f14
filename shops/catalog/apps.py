"""App registration of the room."""

from django.apps import AppConfig


class CatalogConfig(AppConfig):
    name = "shops.catalog"
    label = "catalog"
    default_auto_field = "django.db.models.BigAutoField"
