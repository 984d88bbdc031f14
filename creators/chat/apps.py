"""App registration of the room."""

from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "creators.chat"
    label = "chat"
    default_auto_field = "django.db.models.BigAutoField"
