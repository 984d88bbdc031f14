"""App registration of the room."""

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "shops.webhooks"
    label = "webhooks"
    default_auto_field = "django.db.models.BigAutoField"
