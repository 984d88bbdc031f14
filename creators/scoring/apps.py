"""App registration of the room."""

from django.apps import AppConfig


class ScoringConfig(AppConfig):
    name = "creators.scoring"
    label = "scoring"
    default_auto_field = "django.db.models.BigAutoField"
