"""App registration of the room."""

from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    name = "shops.payments"
    label = "payments"
    default_auto_field = "django.db.models.BigAutoField"
