"""Pages of the profiles room."""

from django.urls import path

from creators.profiles import views

app_name = "profiles"
urlpatterns = [path("creator/join/", views.join, name="join")]
