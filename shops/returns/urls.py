"""Doors of returns: the buyer's, the shop's, and the operators' dispute desk."""

from django.urls import path

from shops.returns import desk_views, shop_views, views

app_name = "returns"

_SHOP = "seller/<slug:slug>/returns/"
_CASE = f"{_SHOP}<uuid:case_id>/"

urlpatterns = [
    path("orders/<slug:number>/return/", views.new, name="new"),
    path("returns/", views.mine, name="mine"),
    path("returns/photos/<uuid:photo_id>.webp", views.photo, name="photo"),
    path("returns/<uuid:case_id>/", views.case, name="case"),
    path("returns/<uuid:case_id>/send/", views.send, name="send"),
    path("returns/<uuid:case_id>/cancel/", views.cancel, name="cancel"),
    path("returns/<uuid:case_id>/dispute/", views.dispute, name="dispute"),
    path("returns/<uuid:case_id>/say/", views.say, name="say"),
    path("returns/<uuid:case_id>/withdraw/", views.withdraw, name="withdraw"),
    path(_SHOP, shop_views.cases, name="of_shop"),
    path(_CASE, shop_views.case, name="shop_case"),
    path(f"{_CASE}approve/", shop_views.approve, name="approve"),
    path(f"{_CASE}reject/", shop_views.reject, name="reject"),
    path(f"{_CASE}receive/", shop_views.receive, name="receive"),
    path(f"{_CASE}refund/", shop_views.refund, name="refund"),
    path(f"{_CASE}answer/", shop_views.answer, name="answer"),
    path("disputes/", desk_views.desk, name="desk"),
    path("disputes/<uuid:case_id>/", desk_views.case, name="desk_case"),
    path("disputes/<uuid:case_id>/say/", desk_views.say, name="desk_say"),
    path("disputes/<uuid:case_id>/decide/", desk_views.decide, name="decide"),
    path(
        "disputes/<uuid:case_id>/refunds/<int:refund_id>/again/",
        desk_views.try_again,
        name="try_again",
    ),
]
