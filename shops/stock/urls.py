"""Addresses of the waitlist, and of the seller's products and stock."""

from django.urls import path

from shops.stock import book_views, views, waitlist_views

app_name = "stock"
urlpatterns = [
    path("seller/<slug:shop>/stock/", book_views.overview, name="overview"),
    path("seller/<slug:shop>/stock/<int:sku_id>/", book_views.book, name="book"),
    path("seller/<slug:shop>/stock/<int:sku_id>/receive/", book_views.receive, name="receive"),
    path("seller/<slug:shop>/stock/<int:sku_id>/correct/", book_views.correct, name="correct"),
    path("seller/<slug:shop>/stock/<int:sku_id>/policy/", book_views.policy, name="policy"),
    path("seller/<slug:shop>/stock/<int:sku_id>/movements.csv", book_views.export, name="export"),
    path(
        "seller/<slug:shop>/stock/<int:sku_id>/movements/<int:movement_id>/undo/",
        book_views.undo,
        name="undo",
    ),
    path("waitlist/", waitlist_views.waitlist, name="waitlist"),
    path("waitlist/join/", waitlist_views.join, name="join"),
    path("waitlist/<int:entry_id>/decline/", waitlist_views.decline, name="decline"),
    path("waitlist/<int:entry_id>/leave/", waitlist_views.leave, name="leave"),
    path("seller/<slug:shop>/products/", views.products, name="products"),
    path("seller/<slug:shop>/skus/<int:sku_id>/", views.edit_sku, name="edit_sku"),
    path("seller/<slug:shop>/products/<int:product_id>/archive/", views.archive, name="archive"),
    path("seller/<slug:shop>/products/<int:product_id>/restore/", views.restore, name="restore"),
]
