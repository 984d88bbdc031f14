"""App registration of the room."""

from django.apps import AppConfig


class CheckoutConfig(AppConfig):
    name = "shops.checkout"
    label = "checkout"
    default_auto_field = "django.db.models.BigAutoField"
