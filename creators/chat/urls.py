"""Doors of the chat room."""

from django.urls import path

from creators.chat import question_views, views

app_name = "chat"
urlpatterns = [
    path("live/<int:piece_id>/chat/", views.post, name="post"),
    path("live/<int:piece_id>/chat/delete/", views.delete, name="delete"),
    path("live/<int:piece_id>/chat/pin/", views.pin, name="pin"),
    path("live/<int:piece_id>/chat/unpin/", views.unpin, name="unpin"),
    path("live/<int:piece_id>/questions/", question_views.ask, name="ask"),
    path("live/<int:piece_id>/questions/vote/", question_views.vote, name="vote"),
    path("live/<int:piece_id>/questions/unvote/", question_views.unvote, name="unvote"),
    path("live/<int:piece_id>/questions/answer/", question_views.answer, name="answer"),
    path("live/<int:piece_id>/questions/delete/", question_views.delete, name="delete_question"),
    path("live/<int:piece_id>/mute/", views.mute, name="mute"),
    path("live/<int:piece_id>/unmute/", views.unmute, name="unmute"),
]
