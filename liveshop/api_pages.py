"""The API's document, for programs and for people."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from liveshop import api_document
from shops.webhooks.scopes import BUYER_SCOPES, SHOP_SCOPES
from shops.webhooks.types import TYPES


@require_safe
def openapi(request: HttpRequest) -> HttpResponse:
    return HttpResponse(api_document.as_yaml(), content_type="application/yaml; charset=utf-8")


@require_safe
def reference(request: HttpRequest) -> HttpResponse:
    context = {
        "sections": api_document.sections(),
        "shapes": api_document.shapes(),
        "buyer_scopes": BUYER_SCOPES.items(),
        "shop_scopes": SHOP_SCOPES.items(),
        "types": TYPES.items(),
    }
    return render(request, "api/reference.html", context)
