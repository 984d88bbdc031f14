"""App registration of the room."""

from django.apps import AppConfig


class PiecesConfig(AppConfig):
    name = "creators.pieces"
    label = "pieces"
    default_auto_field = "django.db.models.BigAutoField"
