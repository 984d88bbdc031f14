"""Addresses of payouts: a shop's, a creator's, the operators' runs."""

from django.urls import path, re_path

from shops.payouts import run_views, views

app_name = "payouts"
_SHOP = "seller/<slug:shop>/payouts/"
_SLUG = r"(?P<slug>\d{4}-\d{2}-[A-Z]{3})"
_FILE = _SLUG + r"\.(?P<extension>csv|pdf)$"
urlpatterns = [
    path(_SHOP, views.shop_overview, name="shop_overview"),
    path(f"{_SHOP}account/", views.shop_account, name="shop_account"),
    path(f"{_SHOP}orders/<str:number>/", views.shop_order, name="shop_order"),
    re_path(
        rf"^seller/(?P<shop>[-\w]+)/payouts/statements/{_SLUG}/$",
        views.shop_statement,
        name="shop_statement",
    ),
    re_path(
        rf"^seller/(?P<shop>[-\w]+)/payouts/statements/{_FILE}",
        views.shop_statement,
        name="shop_statement_file",
    ),
    path("earnings/", views.my_overview, name="my_overview"),
    path("earnings/account/", views.my_account, name="my_account"),
    path("earnings/orders/<str:number>/", views.my_order, name="my_order"),
    re_path(rf"^earnings/statements/{_SLUG}/$", views.my_statement, name="my_statement"),
    re_path(rf"^earnings/statements/{_FILE}", views.my_statement, name="my_statement_file"),
    path("payouts/", run_views.runs, name="runs"),
    path("payouts/start/", run_views.start, name="start"),
    path("payouts/<uuid:run_id>/", run_views.run, name="run"),
    path("payouts/<uuid:run_id>/file/", run_views.fetch_file, name="file"),
    path("payouts/<uuid:run_id>/paid/", run_views.all_paid, name="all_paid"),
    path("payouts/<uuid:run_id>/<uuid:payout_id>/", run_views.ended, name="ended"),
]
