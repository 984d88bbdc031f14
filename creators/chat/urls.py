"""Doors of the chat room."""

from django.urls import path

from creators.chat import question_views, views

app_name = "chat"
urlpatterns = [
    path("live/<int:piece_id>/chat/", views.post, name="post"),
    path("live/<int:piece_id>/questions/", question_views.ask, name="ask"),
    path("live/<int:piece_id>/questions/vote/", question_views.vote, name="vote"),
    path("live/<int:piece_id>/questions/unvote/", question_views.unvote, name="unvote"),
    path("live/<int:piece_id>/questions/answer/", question_views.answer, name="answer"),
    path("live/<int:piece_id>/questions/delete/", question_views.delete, name="delete_question"),
]
