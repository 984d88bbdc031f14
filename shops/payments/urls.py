"""Addresses of the payments room, under /payments/."""

from django.urls import path

from shops.payments import views

app_name = "payments"
urlpatterns = [
    path("webhooks/sandbox/", views.sandbox_webhook, name="sandbox_webhook"),
]
