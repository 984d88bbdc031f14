"""Make, find and revoke API tokens. Their text is shown once; only its SHA-256 is kept.

The text is 32 random bytes: nobody guesses it, so a fast hash is as good as a slow one.
"""

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from shops.accounts.models import User
from shops.catalog.models import Shop
from shops.facts.publishing import publish
from shops.facts.refused import Invalid, NotFound, Refused
from shops.webhooks.events import TokensRevoked
from shops.webhooks.models import ApiToken
from shops.webhooks.scopes import BUYER_SCOPES, SHOP_SCOPES

PREFIX: Final = "lst_"
SHOWN: Final = 12
MOST_TOKENS: Final = 25
# "Last used" is for people: a write a minute is enough.
_USED_EVERY: Final = timedelta(minutes=1)


class UnknownScope(Invalid):
    code = "unknown_scope"
    message = _("Choose at least one permission, and only those that are offered.")


class TooManyTokens(Refused):
    code = "too_many_tokens"
    message = _("You have as many tokens as one can have. Revoke one first.")


@dataclass(frozen=True)
class Made:
    """A new token with its text, which nobody can see again."""

    token: ApiToken
    text: str


@transaction.atomic
def make_token(
    *,
    user: User,
    shop: Shop | None,
    name: str,
    scopes: Collection[str],
    expires_at: datetime | None,
    now: datetime,
) -> Made:
    """Make a token for a user or, by one of its staff, for a shop.

    :raises UnknownScope: a scope is not offered for this kind of token, or there is none
    :raises TooManyTokens: the user (or the shop) has `MOST_TOKENS` that are in use
    """
    offered = SHOP_SCOPES if shop else BUYER_SCOPES
    if not scopes or not set(scopes) <= set(offered):
        raise UnknownScope
    # One after the other, so that the limit holds.
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    mine = ApiToken.objects.filter(shop=shop) if shop else user.api_tokens.filter(shop=None)
    if _usable(mine, now=now).count() >= MOST_TOKENS:
        raise TooManyTokens
    text = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        user=user,
        shop=shop,
        name=name,
        prefix=text[:SHOWN],
        sha256=hashed(text),
        scopes=[scope for scope in offered if scope in scopes],
        created_at=now,
        expires_at=expires_at,
    )
    return Made(token=token, text=text)


def revoke_token(*, token_id: int, user: User, shop: Shop | None, now: datetime) -> ApiToken:
    """End a token of the user or of the shop at once and for good; a second time changes nothing.

    :raises NotFound: there is none, or it is somebody else's
    """
    mine = ApiToken.objects.filter(pk=token_id, shop=shop)
    if shop is None:
        mine = mine.filter(user=user)
    mine.filter(revoked_at=None).update(revoked_at=now)
    token = mine.first()
    if token is None:
        raise NotFound
    return token


@transaction.atomic
def revoke_all(*, user: User, now: datetime) -> int:
    """End all tokens that a user has made, those for shops included; count them."""
    # One that is being made just now is made before or after this.
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    ids = list(_usable(user.api_tokens.all(), now=now).order_by("pk").values_list("pk", flat=True))
    if ids:
        ApiToken.objects.filter(pk__in=ids).update(revoked_at=now)
        publish(TokensRevoked(user_id=user.pk, token_ids=ids))
    return len(ids)


def find_token(*, text: str, now: datetime) -> ApiToken | None:
    """Find the token with this text, when it may be used, and note that it was.

    A shop's token ends with its maker's being staff of the shop, as anybody's with their account.
    """
    token = (
        _usable(ApiToken.objects.filter(sha256=hashed(text)), now=now)
        .filter(user__is_active=True)
        .filter(Q(shop=None) | Q(shop__staff__user_id=F("user_id")))
        .select_related("user", "shop")
        .first()
    )
    if token is not None and (
        token.last_used_at is None or now - token.last_used_at >= _USED_EVERY
    ):
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


def hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _usable(tokens: QuerySet[ApiToken], *, now: datetime) -> QuerySet[ApiToken]:
    return tokens.filter(Q(expires_at=None) | Q(expires_at__gt=now), revoked_at=None)
