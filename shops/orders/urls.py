"""Lists of orders, a shop's packing; one order's page is the checkout's: it shows payments."""

from django.urls import path

from shops.orders import carrier_views, parcel_views, views

app_name = "orders"

urlpatterns = [
    path("orders/", views.my_orders, name="mine"),
    path("orders/<slug:number>/received/", views.received, name="received"),
    path("seller/<slug:slug>/orders/", views.shop_orders, name="of_shop"),
    path("seller/<slug:slug>/orders.csv", views.export, name="export"),
    path("seller/<slug:slug>/parcels/", parcel_views.packing_page, name="packing"),
    path("seller/<slug:slug>/parcels/ship/", parcel_views.ship, name="ship"),
    path("seller/<slug:slug>/parcels/slips.pdf", parcel_views.slips, name="slips"),
    path("seller/<slug:slug>/parcels/sent/", parcel_views.sent, name="sent"),
    path("seller/<slug:slug>/parcels/new/<slug:number>/", parcel_views.pack, name="pack"),
    path("seller/<slug:slug>/parcels/<int:pk>/", parcel_views.parcel, name="parcel"),
    path(
        "seller/<slug:slug>/parcels/<int:pk>/tracking/", parcel_views.correct, name="correct_parcel"
    ),
    path("carriers/events/", carrier_views.events, name="carrier_events"),
]
