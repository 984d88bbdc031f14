"""Lists of orders; one order's page is the checkout's, because it shows payments."""

from django.urls import path

from shops.orders import views

app_name = "orders"

urlpatterns = [
    path("orders/", views.my_orders, name="mine"),
    path("seller/<slug:slug>/orders/", views.shop_orders, name="of_shop"),
]
