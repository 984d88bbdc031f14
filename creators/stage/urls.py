"""The pages of the room over HTTP; the websockets are in sockets.py."""

from django.urls import path

from creators.stage import protocol_views, views

app_name = "stage"
urlpatterns = [
    path("live/<int:piece_id>/snapshot.json", views.polled, name="snapshot"),
    path("api/asyncapi.yaml", protocol_views.asyncapi, name="asyncapi"),
    path("api/stage/", protocol_views.protocol, name="protocol"),
]
