"""App registration of the room."""

from django.apps import AppConfig


class MediaConfig(AppConfig):
    name = "creators.media"
    label = "media"
    default_auto_field = "django.db.models.BigAutoField"
