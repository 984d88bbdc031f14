"""Addresses of the payments room, under /payments/."""

from django.urls import path

from shops.payments import views, webhook_views

app_name = "payments"
urlpatterns = [
    path("webhooks/sandbox/", webhook_views.sandbox, name="sandbox_webhook"),
    path("webhooks/stripe/", webhook_views.stripe, name="stripe_webhook"),
    path("<uuid:payment_id>/", views.payment, name="payment"),
    path("<uuid:payment_id>/back/", views.back, name="back"),
    path("<uuid:payment_id>/abandon/", views.abandon, name="abandon"),
    path("<uuid:payment_id>/capture/", views.capture, name="capture"),
    path("<uuid:payment_id>/void/", views.void, name="void"),
]
