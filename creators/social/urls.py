"""Doors of the social room."""

from django.urls import path

from creators.social import views

app_name = "social"
urlpatterns = [
    path("creators/<slug:handle>/follow/", views.follow, name="follow"),
    path("creators/<slug:handle>/unfollow/", views.unfollow, name="unfollow"),
]
