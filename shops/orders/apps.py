"""App registration of the room."""

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "shops.orders"
    label = "orders"
    default_auto_field = "django.db.models.BigAutoField"
