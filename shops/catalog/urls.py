"""Addresses of the catalogue's pages."""

from django.urls import path

from shops.catalog import views

app_name = "catalog"
urlpatterns = [
    path("shops/<slug:shop>/", views.shop_page, name="shop"),
    path("shops/<slug:shop>/<str:handle>/", views.product_page, name="product"),
    path("seller/", views.seller, name="seller"),
]
