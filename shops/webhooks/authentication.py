"""Who asks, by the token in the Authorization header."""

from datetime import UTC, datetime
from typing import Final

from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from shops.accounts.models import User
from shops.webhooks.models import ApiToken
from shops.webhooks.services.tokens import find_token

_LONGEST: Final = 100


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer lst_…`"""

    keyword = "Bearer"

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        kind, _space, text = get_authorization_header(request).partition(b" ")
        if kind.lower() != b"bearer":
            return None
        token = None
        if len(text) <= _LONGEST and text.isascii():
            token = find_token(text=text.decode(), now=datetime.now(UTC))
        if token is None:
            raise AuthenticationFailed(
                _("This token is unknown, revoked or expired."), code="bad_token"
            )
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return self.keyword


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # its metaclass
    """How the API's document names it."""

    target_class = "shops.webhooks.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "lst_…"}
