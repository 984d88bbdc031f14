"""Doors of the audience room."""

from django.urls import path

from creators.audience import views

app_name = "audience"
urlpatterns = [path("live/<int:piece_id>/click/", views.click, name="click")]
