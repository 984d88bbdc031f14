"""App registration of the room."""

from django.apps import AppConfig


class ReturnsConfig(AppConfig):
    name = "shops.returns"
    label = "returns"
    default_auto_field = "django.db.models.BigAutoField"
