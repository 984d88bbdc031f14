"""App registration of the room."""

from django.apps import AppConfig


class LiveConfig(AppConfig):
    name = "creators.live"
    label = "live"
    default_auto_field = "django.db.models.BigAutoField"
