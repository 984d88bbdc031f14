"""Reads of tokens, endpoints and what was delivered."""

from uuid import UUID

from django.db.models import QuerySet

from shops.accounts.models import User
from shops.catalog.models import Shop
from shops.facts.refused import NotFound
from shops.webhooks.models import ApiToken, Attempt, Endpoint, Message


def tokens_of(*, user: User, shop: Shop | None = None) -> QuerySet[ApiToken]:
    """List a user's own tokens, or those of a shop, newest first."""
    rows = ApiToken.objects.filter(shop=shop) if shop else user.api_tokens.filter(shop=None)
    return rows.select_related("user").order_by("-pk")


def token_of(*, token_id: int, user: User, shop: Shop | None = None) -> ApiToken:
    """Find a token of a user or of a shop.

    :raises NotFound: there is none, or it is somebody else's
    """
    token = tokens_of(user=user, shop=shop).filter(pk=token_id).first()
    if token is None:
        raise NotFound
    return token


def endpoints_of(*, shop: Shop) -> list[Endpoint]:
    return list(Endpoint.objects.filter(shop=shop).order_by("created_at", "pk"))


def endpoint_of(*, endpoint_id: UUID, shop: Shop) -> Endpoint:
    """Find an endpoint of a shop.

    :raises NotFound: the shop has no such endpoint
    """
    endpoint = Endpoint.objects.filter(pk=endpoint_id, shop=shop).first()
    if endpoint is None:
        raise NotFound
    return endpoint


def messages_of(*, endpoint: Endpoint) -> QuerySet[Message]:
    """List what an endpoint was told, newest first."""
    return Message.objects.filter(endpoint=endpoint).order_by("-created_at", "-pk")


def message_of(*, message_id: UUID, shop: Shop) -> Message:
    """Find a message to one of a shop's endpoints.

    :raises NotFound: there is none, or it is another shop's
    """
    rows = Message.objects.select_related("endpoint")
    message = rows.filter(pk=message_id, endpoint__shop=shop).first()
    if message is None:
        raise NotFound
    return message


def attempts_of(*, message: Message) -> list[Attempt]:
    return list(message.attempts.order_by("-pk"))
