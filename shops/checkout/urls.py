"""Pages of the cart, the checkout, and of one order with its payment."""

from django.urls import path

from shops.checkout import guest_views, order_views, quote_views, views

app_name = "checkout"

urlpatterns = [
    path("cart/", views.cart, name="cart"),
    path("cart/panel/", views.panel, name="panel"),
    path("cart/add/", views.add, name="add"),
    path("cart/lines/<int:sku_id>/", views.change_line, name="line"),
    path("buy/", views.buy, name="buy"),
    path("cart/keep/", views.keep, name="keep_cart"),
    path("cart/country/", views.deliver_to, name="deliver_to"),
    path("checkout/", quote_views.checkout, name="checkout"),
    path("checkout/guest/", guest_views.guest, name="guest"),
    path("checkout/guest/sent/", guest_views.sent, name="guest_sent"),
    path("checkout/guest/<str:token>/", guest_views.follow, name="guest_link"),
    path("o/<str:token>/", guest_views.order, name="order_by_link"),
    path("o/<str:token>/let-me-in/", guest_views.order_link, name="order_link"),
    path("checkout/<uuid:quote_id>/price/", quote_views.price, name="price"),
    path("checkout/<uuid:quote_id>/keep/", quote_views.keep, name="keep_quote"),
    path("checkout/<uuid:quote_id>/place/", quote_views.place, name="place"),
    path("checkout/<uuid:quote_id>/cancel/", quote_views.cancel, name="cancel_quote"),
    path("orders/<slug:number>/", order_views.order, name="order"),
    path("orders/<slug:number>/payment/", order_views.payment, name="payment"),
    path("orders/<slug:number>/pay/", order_views.pay, name="pay"),
    path("orders/<slug:number>/cancel/", order_views.cancel, name="cancel_order"),
    path("seller/<slug:slug>/orders/<slug:number>/", order_views.shop_order, name="shop_order"),
    path(
        "seller/<slug:slug>/orders/<slug:number>/refund/", order_views.refund, name="refund_order"
    ),
]
