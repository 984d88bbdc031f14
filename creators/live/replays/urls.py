"""Pages of the replays; the room's urls hold them."""

from django.urls import path

from creators.live.replays import tool_views, views

urlpatterns = [
    path("live/<int:piece_id>/replay.m3u8", views.playlist, name="replay_playlist"),
    path("live/<int:piece_id>/replay.json", views.chat, name="replay_chat"),
    path("live/<int:piece_id>/captions.vtt", views.captions, name="replay_captions"),
    path("live/<int:piece_id>/replay/watched/", views.watched, name="replay_watched"),
    path("live/<int:piece_id>/replay/", tool_views.tools, name="replay"),
    path("live/<int:piece_id>/replay/trim/", tool_views.trim, name="replay_trim"),
    path("live/<int:piece_id>/replay/state/", tool_views.state, name="replay_state"),
    path("live/<int:piece_id>/replay/delete/", tool_views.delete, name="replay_delete"),
    path("live/<int:piece_id>/replay/clips/<int:clip_id>/", tool_views.clip, name="replay_clip"),
]
