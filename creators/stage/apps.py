"""App registration of the room."""

from django.apps import AppConfig


class StageConfig(AppConfig):
    name = "creators.stage"
    label = "stage"
    default_auto_field = "django.db.models.BigAutoField"
