"""The account pages."""

from django.urls import path

from shops.accounts import views

app_name = "accounts"
urlpatterns = [
    path("", views.overview, name="overview"),
    path("addresses/", views.addresses, name="addresses"),
    path("addresses/new/", views.add_address, name="add_address"),
    path("addresses/<int:address_id>/", views.change_address, name="change_address"),
    path("addresses/<int:address_id>/default/", views.make_default, name="make_default"),
    path("addresses/<int:address_id>/delete/", views.delete_address, name="delete_address"),
]
