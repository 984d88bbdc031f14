"""Doors of moderation: the desk of a show, a creator's settings, one's own sanctions."""

from django.urls import path

from creators.chat.moderation import desk_views, doors, own_views, settings_views

app_name = "moderation"
urlpatterns = [
    # A show's desk, and what is done there.
    path("live/<int:piece_id>/moderation/", desk_views.desk, name="desk"),
    path("live/<int:piece_id>/moderation/mute/", doors.mute, name="mute"),
    path("live/<int:piece_id>/moderation/unmute/", doors.unmute, name="unmute"),
    path("live/<int:piece_id>/moderation/ban/", doors.ban, name="ban"),
    path("live/<int:piece_id>/moderation/unban/", doors.unban, name="unban"),
    path("live/<int:piece_id>/moderation/delete/", doors.delete, name="delete"),
    path("live/<int:piece_id>/moderation/restore/", doors.restore, name="restore"),
    path("live/<int:piece_id>/moderation/show/", doors.show, name="show"),
    path("live/<int:piece_id>/moderation/reject/", doors.reject, name="reject"),
    path("live/<int:piece_id>/moderation/pin/", doors.pin, name="pin"),
    path("live/<int:piece_id>/moderation/unpin/", doors.unpin, name="unpin"),
    path("live/<int:piece_id>/moderation/rules/", doors.set_rules, name="rules"),
    path("live/<int:piece_id>/moderation/moderators/", doors.add_moderator, name="add_moderator"),
    path(
        "moderation/moderators/<int:moderator_id>/remove/",
        doors.remove_moderator,
        name="remove_moderator",
    ),
    path("moderation/actions/<int:action_id>/undo/", doors.undo, name="undo"),
    path("sanctions/<int:sanction_id>/lift/", doors.lift, name="lift"),
    path("appeals/<int:appeal_id>/answer/", doors.answer_appeal, name="answer_appeal"),
    # The sanctioned user's.
    path("sanctions/<int:sanction_id>/appeal/", own_views.appeal, name="appeal"),
    path("account/sanctions/", own_views.mine, name="mine"),
    # What all shows of a creator begin with.
    path("creator/chat/", settings_views.settings, name="settings"),
    path("creator/chat/rules/", settings_views.set_rules, name="default_rules"),
    path("creator/chat/filters/", settings_views.add_filter, name="add_filter"),
    path(
        "creator/chat/filters/<int:filter_id>/remove/",
        settings_views.remove_filter,
        name="remove_filter",
    ),
    path("creator/chat/moderators/", settings_views.add_moderator, name="add_moderator_all"),
    path("creator/chat/block-list.json", settings_views.export, name="export"),
    path("creator/chat/block-list/", settings_views.take_in, name="take_in"),
]
