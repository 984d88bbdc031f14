"""Addresses of the seller's product table."""

from django.urls import path

from shops.stock import views

app_name = "stock"
urlpatterns = [
    path("seller/<slug:shop>/products/", views.products, name="products"),
    path("seller/<slug:shop>/skus/<int:sku_id>/", views.edit_sku, name="edit_sku"),
    path("seller/<slug:shop>/products/<int:product_id>/archive/", views.archive, name="archive"),
    path("seller/<slug:shop>/products/<int:product_id>/restore/", views.restore, name="restore"),
]
