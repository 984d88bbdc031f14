"""Pages of the scores."""

from django.urls import path

from creators.scoring import views

app_name = "scoring"
urlpatterns = [
    path("creators/", views.creators, name="creators"),
    path("creators/<slug:handle>/scores/", views.scores, name="scores"),
]
