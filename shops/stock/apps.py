"""App registration of the room."""

from django.apps import AppConfig


class StockConfig(AppConfig):
    name = "shops.stock"
    label = "stock"
    default_auto_field = "django.db.models.BigAutoField"
