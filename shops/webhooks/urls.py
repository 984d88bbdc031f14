"""Pages of tokens and of a shop's webhooks."""

from django.urls import path

from shops.webhooks import token_views, views

app_name = "webhooks"

_SHOP = "seller/<slug:shop>/webhooks/"
_TOKENS = "seller/<slug:shop>/tokens/"

urlpatterns = [
    path("account/tokens/", token_views.overview, name="tokens"),
    path("account/tokens/new/", token_views.make, name="make_token"),
    path("account/tokens/<int:token_id>/revoke/", token_views.revoke, name="revoke_token"),
    path(_TOKENS, token_views.overview, name="shop_tokens"),
    path(_TOKENS + "new/", token_views.make, name="make_shop_token"),
    path(_TOKENS + "<int:token_id>/revoke/", token_views.revoke, name="revoke_shop_token"),
    path(_SHOP, views.overview, name="endpoints"),
    path(_SHOP + "new/", views.add, name="add_endpoint"),
    path(_SHOP + "<uuid:endpoint_id>/", views.endpoint, name="endpoint"),
    path(_SHOP + "<uuid:endpoint_id>/change/", views.change, name="change_endpoint"),
    path(_SHOP + "<uuid:endpoint_id>/test/", views.test, name="test_endpoint"),
    path(_SHOP + "<uuid:endpoint_id>/rotate/", views.rotate, name="rotate_secret"),
    path(_SHOP + "<uuid:endpoint_id>/switch/", views.switch, name="switch_endpoint"),
    path(_SHOP + "<uuid:endpoint_id>/delete/", views.delete, name="delete_endpoint"),
    path(_SHOP + "messages/<uuid:message_id>/", views.message, name="message"),
    path(_SHOP + "messages/<uuid:message_id>/replay/", views.replay, name="replay"),
]
