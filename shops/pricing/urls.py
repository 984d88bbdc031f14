"""Addresses of the seller's shipping, deals and vouchers."""

from django.urls import path

from shops.pricing import views

app_name = "pricing"
_OF_SHOP = "seller/<slug:slug>/pricing/"

urlpatterns = [
    path(_OF_SHOP, views.overview, name="overview"),
    path(_OF_SHOP + "shipping/new/", views.method, name="add_method"),
    path(_OF_SHOP + "shipping/<int:method_id>/", views.method, name="method"),
    path(_OF_SHOP + "deals/new/", views.deal, name="add_deal"),
    path(_OF_SHOP + "deals/<int:deal_id>/", views.deal, name="deal"),
    path(_OF_SHOP + "deals/<int:deal_id>/end/", views.end_deal, name="end_deal"),
    path(_OF_SHOP + "vouchers/new/", views.voucher, name="add_voucher"),
    path(_OF_SHOP + "vouchers/<int:voucher_id>/", views.voucher, name="voucher"),
    path(_OF_SHOP + "vouchers/<int:voucher_id>/end/", views.end_voucher, name="end_voucher"),
]
