"""App registration of the room."""

from django.apps import AppConfig


class SocialConfig(AppConfig):
    name = "creators.social"
    label = "social"
    default_auto_field = "django.db.models.BigAutoField"
