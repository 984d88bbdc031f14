"""Doors of the chat room."""

from django.urls import path

from creators.chat import views

app_name = "chat"
urlpatterns = [
    path("live/<int:piece_id>/chat/", views.post, name="post"),
    path("live/<int:piece_id>/chat/delete/", views.delete, name="delete"),
    path("live/<int:piece_id>/mute/", views.mute, name="mute"),
    path("live/<int:piece_id>/unmute/", views.unmute, name="unmute"),
]
