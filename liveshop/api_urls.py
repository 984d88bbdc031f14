"""The API: every address of `/api/v1/`, and its document."""

from django.urls import path, re_path

from liveshop import api, api_pages
from shops.catalog import api as catalog
from shops.checkout import cart_api
from shops.checkout import order_api as orders
from shops.checkout import quote_api as quotes
from shops.orders import api as parcels
from shops.payouts import api as payouts
from shops.returns import api as returns
from shops.stock import api as stock
from shops.webhooks import api as webhooks

app_name = "api"

_OF_SHOP = "v1/shops/<slug:shop>/"

urlpatterns = [
    path("openapi.yaml", api_pages.openapi, name="openapi"),
    path("", api_pages.reference, name="reference"),
    path("v1/products", catalog.ProductsView.as_view()),
    path("v1/products/<int:product_id>", catalog.ProductView.as_view()),
    path("v1/cart", cart_api.CartView.as_view()),
    path("v1/cart/lines", cart_api.CartLinesView.as_view()),
    path("v1/cart/lines/<int:sku_id>", cart_api.CartLineView.as_view()),
    path("v1/tokens", webhooks.TokensView.as_view()),
    path("v1/quotes", quotes.QuotesView.as_view()),
    path("v1/quotes/<uuid:quote_id>", quotes.QuoteView.as_view()),
    path("v1/quotes/<uuid:quote_id>/cancel", quotes.CancelQuoteView.as_view()),
    path("v1/quotes/<uuid:quote_id>/order", quotes.PlaceView.as_view()),
    path("v1/orders", orders.OrdersView.as_view()),
    path("v1/orders/<slug:number>", orders.OrderView.as_view()),
    path("v1/orders/<slug:number>/pay", orders.PayView.as_view()),
    path("v1/orders/<slug:number>/cancel", orders.CancelView.as_view()),
    path("v1/orders/<slug:number>/returns", returns.RequestView.as_view()),
    path("v1/returns", returns.ReturnsView.as_view()),
    path("v1/returns/<uuid:return_id>", returns.ReturnView.as_view()),
    path("v1/returns/<uuid:return_id>/send", returns.SentView.as_view()),
    path("v1/returns/<uuid:return_id>/cancel", returns.WithdrawView.as_view()),
    path("v1/returns/<uuid:return_id>/dispute", returns.DisputeView.as_view()),
    path(_OF_SHOP + "orders", orders.ShopOrdersView.as_view()),
    path(_OF_SHOP + "orders/<slug:number>", orders.ShopOrderView.as_view()),
    path(_OF_SHOP + "orders/<slug:number>/cancel", orders.CallOffView.as_view()),
    path(_OF_SHOP + "orders/<slug:number>/refunds", orders.RefundsView.as_view()),
    path(_OF_SHOP + "orders/<slug:number>/money", payouts.ExplainedView.as_view()),
    path(_OF_SHOP + "parcels", parcels.ParcelsView.as_view()),
    path(_OF_SHOP + "parcels/<int:parcel_id>", parcels.ParcelView.as_view()),
    path(_OF_SHOP + "returns", returns.ShopReturnsView.as_view()),
    path(_OF_SHOP + "returns/<uuid:return_id>", returns.ShopReturnView.as_view()),
    path(_OF_SHOP + "returns/<uuid:return_id>/approve", returns.ApproveView.as_view()),
    path(_OF_SHOP + "returns/<uuid:return_id>/reject", returns.RejectView.as_view()),
    path(_OF_SHOP + "returns/<uuid:return_id>/receive", returns.ReceiveView.as_view()),
    path(_OF_SHOP + "returns/<uuid:return_id>/refund", returns.DecideView.as_view()),
    path(_OF_SHOP + "returns/<uuid:return_id>/answer", returns.AnswerView.as_view()),
    path(_OF_SHOP + "stock", stock.LevelsView.as_view()),
    path(_OF_SHOP + "stock/<int:sku_id>", stock.LevelView.as_view()),
    path(_OF_SHOP + "stock/<int:sku_id>/movements", stock.MovementsView.as_view()),
    path(_OF_SHOP + "stock/<int:sku_id>/count", stock.CountView.as_view()),
    path(_OF_SHOP + "stock/<int:sku_id>/receive", stock.ReceiveView.as_view()),
    path(_OF_SHOP + "balances", payouts.BalancesView.as_view()),
    path(_OF_SHOP + "payouts", payouts.PayoutsView.as_view()),
    path(_OF_SHOP + "payouts/<uuid:payout_id>", payouts.PayoutView.as_view()),
    path(_OF_SHOP + "webhooks", webhooks.EndpointsView.as_view()),
    path(_OF_SHOP + "webhooks/<uuid:endpoint_id>", webhooks.EndpointView.as_view()),
    path(_OF_SHOP + "webhooks/<uuid:endpoint_id>/secret", webhooks.SecretView.as_view()),
    path(_OF_SHOP + "webhooks/<uuid:endpoint_id>/rotate", webhooks.RotateView.as_view()),
    path(_OF_SHOP + "webhooks/<uuid:endpoint_id>/enable", webhooks.EnableView.as_view()),
    path(_OF_SHOP + "webhooks/<uuid:endpoint_id>/disable", webhooks.DisableView.as_view()),
    path(_OF_SHOP + "webhooks/<uuid:endpoint_id>/test", webhooks.TestView.as_view()),
    path(_OF_SHOP + "webhooks/<uuid:endpoint_id>/messages", webhooks.MessagesView.as_view()),
    path(_OF_SHOP + "messages/<uuid:message_id>", webhooks.MessageView.as_view()),
    path(_OF_SHOP + "messages/<uuid:message_id>/replay", webhooks.ReplayView.as_view()),
    # Whatever it is made of: a path's "." takes no line breaks.
    re_path(r"[\s\S]*", api.no_such_address),
]
