"""Pages of the live shows."""

from django.urls import include, path

from creators.live import console_views, studio_views, views

app_name = "live"
urlpatterns = [
    path("live/<int:piece_id>/", views.show, name="show"),
    path("live/<int:piece_id>/console/", console_views.console, name="console"),
    path("live/<int:piece_id>/console/bag/", console_views.bag, name="bag"),
    path("live/<int:piece_id>/console/log/", console_views.log, name="log"),
    path("live/<int:piece_id>/console/addable/", console_views.addable, name="addable"),
    path("live/<int:piece_id>/start/", console_views.start, name="start"),
    path("live/<int:piece_id>/end/", console_views.end, name="end"),
    path("live/<int:piece_id>/rehearse/", console_views.rehearse, name="rehearse"),
    path("live/<int:piece_id>/edit/", studio_views.edit, name="edit"),
    path("live/<int:piece_id>/key/", console_views.make_key, name="make_key"),
    path("live/<int:piece_id>/key/aim/", console_views.aim, name="aim"),
    path("live/<int:piece_id>/camera/", console_views.camera, name="camera"),
    path("live/<int:piece_id>/captions/", console_views.captions, name="captions"),
    path("live/<int:piece_id>/console/here/", console_views.here, name="here"),
    path("live/<int:piece_id>/cancel/", console_views.cancel, name="cancel"),
    path("live/<int:piece_id>/pin/", console_views.pin, name="pin"),
    path("live/<int:piece_id>/unpin/", console_views.unpin, name="unpin"),
    path("live/<int:piece_id>/bag/add/", console_views.add, name="add"),
    path("live/<int:piece_id>/bag/remove/", console_views.remove, name="remove"),
    path("live/<int:piece_id>/bag/first/", console_views.put_first, name="put_first"),
    path("", include("creators.live.replays.urls")),
    path("creator/", studio_views.studio, name="studio"),
    path("creator/shows/new/", studio_views.schedule, name="schedule"),
    path("creators/<slug:handle>/", views.creator, name="creator"),
]
