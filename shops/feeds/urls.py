"""Addresses of the seller's feed pages."""

from django.urls import path

from shops.feeds import views

app_name = "feeds"
urlpatterns = [
    path("seller/<slug:shop>/feeds/", views.upload, name="upload"),
    path("seller/<slug:shop>/feeds/import/", views.run, name="run"),
    path("seller/<slug:shop>/feeds/<int:import_id>/", views.import_page, name="import"),
]
