"""App registration of the room."""

from django.apps import AppConfig


class PricingConfig(AppConfig):
    name = "shops.pricing"
    label = "pricing"
    default_auto_field = "django.db.models.BigAutoField"
