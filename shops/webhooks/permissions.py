"""Whether who asks may ask this: a session may whatever its user may, a token what it is for."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from shops.webhooks.models import ApiToken


class MayAsk(BasePermission):
    """By the view's `scopes` and `is_of_shop` (see `shops.facts.rest.ApiView`).

    What belongs to whom is for the queries to say; a token of a shop is no key to its maker's own
    orders, nor to another shop that they manage.
    """

    message = _("This token is not allowed to do that.")

    def has_permission(self, request: Request, view: Any) -> bool:
        scope = view.scopes.get("GET" if request.method == "HEAD" else request.method)
        if scope is None:
            # Open to everybody; a method that the view doesn't have is answered 405.
            return True
        if not request.user.is_authenticated:
            return False
        token = request.auth
        if not isinstance(token, ApiToken):
            return True
        if scope not in token.scopes:
            return False
        if not view.is_of_shop:
            return token.shop is None or view.is_for_any_token
        return token.shop is not None and token.shop.slug == view.kwargs.get("shop")
