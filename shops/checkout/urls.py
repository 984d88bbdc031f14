"""Pages of the cart, the checkout, and of one order with its payment."""

from django.urls import path

from shops.checkout import order_views, views

app_name = "checkout"

urlpatterns = [
    path("cart/", views.cart, name="cart"),
    path("cart/panel/", views.panel, name="panel"),
    path("cart/add/", views.add, name="add"),
    path("cart/lines/<int:sku_id>/", views.change_line, name="line"),
    path("buy/", views.buy, name="buy"),
    path("checkout/", views.checkout, name="checkout"),
    path("checkout/<uuid:quote_id>/place/", views.place, name="place"),
    path("checkout/<uuid:quote_id>/cancel/", views.cancel, name="cancel_quote"),
    path("orders/<slug:number>/", order_views.order, name="order"),
    path("orders/<slug:number>/payment/", order_views.payment, name="payment"),
    path("orders/<slug:number>/pay/", order_views.pay, name="pay"),
    path("orders/<slug:number>/cancel/", order_views.cancel, name="cancel_order"),
    path("seller/<slug:slug>/orders/<slug:number>/", order_views.shop_order, name="shop_order"),
    path(
        "seller/<slug:slug>/orders/<slug:number>/refund/", order_views.refund, name="refund_order"
    ),
]
