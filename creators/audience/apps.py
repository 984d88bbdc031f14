"""App registration of the room."""

from django.apps import AppConfig


class AudienceConfig(AppConfig):
    name = "creators.audience"
    label = "audience"
    default_auto_field = "django.db.models.BigAutoField"
