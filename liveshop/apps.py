"""App registration of the roof, for its management commands and static files."""

from django.apps import AppConfig


class LiveshopConfig(AppConfig):
    name = "liveshop"
    label = "liveshop"
