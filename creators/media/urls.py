"""Doors for another media server; see docs/video.md."""

from django.urls import path

from creators.media import views

app_name = "media"

urlpatterns = [
    path("auth/", views.auth, name="auth"),
    path("gone/", views.gone, name="gone"),
]
