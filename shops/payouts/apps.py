"""App registration of the room."""

from django.apps import AppConfig


class PayoutsConfig(AppConfig):
    name = "shops.payouts"
    label = "payouts"
    default_auto_field = "django.db.models.BigAutoField"
