"""App registration of the room."""

from django.apps import AppConfig


class ProfilesConfig(AppConfig):
    name = "creators.profiles"
    label = "profiles"
    default_auto_field = "django.db.models.BigAutoField"
