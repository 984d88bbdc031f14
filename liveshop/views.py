"""The page that belongs to no room: home."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from liveshop import home as shown


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return render(
        request,
        "home/home.html",
        {
            "live": shown.live_cards(),
            "upcoming": shown.upcoming_cards(now=timezone.now()),
            "products": shown.new_products(),
            "shops": shown.shops(),
        },
    )
