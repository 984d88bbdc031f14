"""Tokens and endpoints for tests."""

from datetime import UTC, datetime, timedelta

from shops.webhooks.scopes import BUYER_SCOPES, SHOP_SCOPES
from shops.webhooks.services.endpoints import make_endpoint
from shops.webhooks.services.tokens import make_token


def token_for(user, *, shop=None, scopes=None, days=30, now=None):
    """Make a token with all scopes (or some) and return its text."""
    now = now or datetime.now(UTC)
    made = make_token(
        user=user,
        shop=shop,
        name="A program",
        scopes=scopes or list(SHOP_SCOPES if shop else BUYER_SCOPES),
        expires_at=now + timedelta(days=days),
        now=now,
    )
    return made.text


def bearer(text):
    return {"headers": {"Authorization": f"Bearer {text}"}}


def endpoint_for(shop, *, url="https://hooks.example.com/shop", events=("order.*",), now=None):
    return make_endpoint(shop=shop, url=url, events=list(events), now=now or datetime.now(UTC))
