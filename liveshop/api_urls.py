"""The API: every address of `/api/v1/`, and its document."""

from django.urls import path

from liveshop import api, api_pages
from shops.catalog import api as catalog
from shops.checkout import cart_api
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
    path("<path:rest>", api.no_such_address),
]
