"""Who asks, by the token in the Authorization header."""

from datetime import UTC, datetime
from typing import Final

from django.utils.translation import gettext_lazy as _
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
