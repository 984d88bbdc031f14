"""The API of tokens (to look at) and of outgoing webhooks."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from shops.accounts.api import UserView
from shops.catalog.api import ShopView
from shops.facts.fields import Text
from shops.facts.rest import NextPage
from shops.webhooks import queries
from shops.webhooks.models import ApiToken, Endpoint, Message, MessageState
from shops.webhooks.sending import MOST_URL
from shops.webhooks.services import endpoints, messages
from shops.webhooks.types import FAMILIES, TYPES

_SCOPES: Mapping[str, str] = {
    "GET": "webhooks:read",
    "POST": "webhooks:write",
    "PUT": "webhooks:write",
    "DELETE": "webhooks:write",
}


class TokenOut(serializers.Serializer[ApiToken]):
    """A token; its text was shown once, and nobody has it but who it was given to."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    prefix = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)


class TokenPageOut(NextPage):
    results = TokenOut(many=True)


class EndpointOut(serializers.Serializer[Endpoint]):
    id = serializers.UUIDField()
    url = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    events = serializers.ListField(child=serializers.CharField())
    is_enabled = serializers.BooleanField()
    disabled_reason = serializers.ChoiceField(Endpoint.Disabled.choices, allow_blank=True)
    disabled_at = serializers.DateTimeField(allow_null=True)
    failing_since = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class EndpointSecretOut(EndpointOut):
    secret = serializers.CharField()
    old_secret_until = serializers.DateTimeField(
        allow_null=True, help_text="Until then the secret before this one signs, too."
    )


class EndpointsOut(serializers.Serializer[Any]):
    results = EndpointOut(many=True)


class EndpointIn(serializers.Serializer[Any]):
    url = Text(max_length=MOST_URL)
    events = serializers.ListField(
        child=serializers.ChoiceField([*FAMILIES, *TYPES]), min_length=1, max_length=60
    )
    description = Text(max_length=120, allow_blank=True, default="")


class MessageOut(serializers.Serializer[Message]):
    id = serializers.UUIDField()
    webhook_id = serializers.CharField(help_text="The header `webhook-id` of all its attempts.")
    type = serializers.CharField()
    state = serializers.ChoiceField(MessageState.choices)
    tries = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    delivered_at = serializers.DateTimeField(allow_null=True)
    next_attempt_at = serializers.DateTimeField(allow_null=True)


class AttemptOut(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    milliseconds = serializers.IntegerField()
    status = serializers.IntegerField(help_text="0: there was no answer, `error` says why.")
    error = serializers.CharField(allow_blank=True)
    request_headers = serializers.DictField(child=serializers.CharField())
    answer = serializers.CharField(allow_blank=True, help_text="Its first 1,024 bytes.")
    is_by_hand = serializers.BooleanField()


class MessageDetailOut(MessageOut):
    body = serializers.CharField()
    attempts = AttemptOut(many=True)


class MessagePageOut(NextPage):
    results = MessageOut(many=True)


def _detail(message: Message) -> dict[str, Any]:
    return {
        **MessageOut(message).data,
        "body": message.body,
        "attempts": AttemptOut(queries.attempts_of(message=message), many=True).data,
    }


class TokensView(UserView):
    scopes: ClassVar[Mapping[str, str]] = {"GET": "tokens:read"}
    is_for_any_token = True
    is_paged = True

    @extend_schema(operation_id="list_tokens", responses=TokenPageOut)
    def get(self, request: Request) -> Response:
        """List your tokens, or with a shop's token that shop's."""
        token = request.auth
        shop = token.shop if isinstance(token, ApiToken) else None
        return self.page(request, queries.tokens_of(user=self.user, shop=shop), TokenOut)


class _View(ShopView):
    scopes = _SCOPES


class EndpointsView(_View):
    keyed: ClassVar[frozenset[str]] = frozenset({"POST"})

    @extend_schema(operation_id="list_webhooks", responses=EndpointsOut)
    def get(self, request: Request, shop: str) -> Response:
        """List who is told of the shop's events."""
        found = queries.endpoints_of(shop=self.shop)
        return Response({"results": [EndpointOut(endpoint).data for endpoint in found]})

    @extend_schema(operation_id="make_webhook", request=EndpointIn, responses={201: EndpointOut})
    def post(self, request: Request, shop: str) -> Response:
        """Have a server told of events; its secret is shown by `get_webhook_secret`."""
        wanted, owner = self.parsed(EndpointIn, request), self.shop

        def effect() -> tuple[int, Mapping[str, Any]]:
            made = endpoints.make_endpoint(shop=owner, now=datetime.now(UTC), **wanted)
            return 201, EndpointOut(made).data

        # Remembered answers hold no secrets.
        return self.once(request, scope=f"webhook-make:{owner.pk}", effect=effect)


class EndpointView(_View):
    @extend_schema(operation_id="get_webhook", responses=EndpointOut)
    def get(self, request: Request, shop: str, endpoint_id: UUID) -> Response:
        """Show one."""
        found = queries.endpoint_of(endpoint_id=endpoint_id, shop=self.shop)
        return Response(EndpointOut(found).data)

    @extend_schema(operation_id="change_webhook", request=EndpointIn, responses=EndpointOut)
    def put(self, request: Request, shop: str, endpoint_id: UUID) -> Response:
        """Change where and of what a server is told."""
        wanted = self.parsed(EndpointIn, request)
        made = endpoints.change_endpoint(endpoint_id=endpoint_id, shop=self.shop, **wanted)
        return Response(EndpointOut(made).data)

    @extend_schema(operation_id="delete_webhook", responses={204: None})
    def delete(self, request: Request, shop: str, endpoint_id: UUID) -> Response:
        """Forget an endpoint and its log."""
        endpoints.delete_endpoint(endpoint_id=endpoint_id, shop=self.shop)
        return Response(status=204)


class SecretView(_View):
    scopes: ClassVar[Mapping[str, str]] = {"GET": "webhooks:write"}

    @extend_schema(operation_id="get_webhook_secret", responses=EndpointSecretOut)
    def get(self, request: Request, shop: str, endpoint_id: UUID) -> Response:
        """Show an endpoint with the secret that its messages are signed with."""
        found = queries.endpoint_of(endpoint_id=endpoint_id, shop=self.shop)
        return Response(EndpointSecretOut(found).data)


class RotateView(_View):
    keyed: ClassVar[frozenset[str]] = frozenset({"POST"})

    @extend_schema(operation_id="rotate_webhook_secret", request=None, responses=EndpointOut)
    def post(self, request: Request, shop: str, endpoint_id: UUID) -> Response:
        """Make a new secret; for a day the old one signs, too."""
        owner = self.shop

        def effect() -> tuple[int, Mapping[str, Any]]:
            made = endpoints.rotate_secret(
                endpoint_id=endpoint_id, shop=owner, now=datetime.now(UTC)
            )
            return 200, EndpointOut(made).data

        return self.once(request, scope="webhook-rotate", effect=effect)


class EnableView(_View):
    @extend_schema(operation_id="enable_webhook", request=None, responses=EndpointOut)
    def post(self, request: Request, shop: str, endpoint_id: UUID) -> Response:
        """Send to an endpoint again."""
        return Response(EndpointOut(endpoints.enable(endpoint_id=endpoint_id, shop=self.shop)).data)


class DisableView(_View):
    @extend_schema(operation_id="disable_webhook", request=None, responses=EndpointOut)
    def post(self, request: Request, shop: str, endpoint_id: UUID) -> Response:
        """Send nothing more to an endpoint; what waits is given up."""
        off = endpoints.disable(endpoint_id=endpoint_id, shop=self.shop, now=datetime.now(UTC))
        return Response(EndpointOut(off).data)


class TestView(_View):
    keyed: ClassVar[frozenset[str]] = frozenset({"POST"})

    @extend_schema(operation_id="test_webhook", request=None, responses={202: MessageOut})
    def post(self, request: Request, shop: str, endpoint_id: UUID) -> Response:
        """Send a test, which nothing happened for."""
        owner = self.shop

        def effect() -> tuple[int, Mapping[str, Any]]:
            made = messages.send_test(endpoint_id=endpoint_id, shop=owner, now=datetime.now(UTC))
            return 202, MessageOut(made).data

        return self.once(request, scope="webhook-test", effect=effect)


class MessagesView(_View):
    is_paged = True

    @extend_schema(operation_id="list_webhook_messages", responses=MessagePageOut)
    def get(self, request: Request, shop: str, endpoint_id: UUID) -> Response:
        """List what an endpoint was told, newest first."""
        endpoint = queries.endpoint_of(endpoint_id=endpoint_id, shop=self.shop)
        rows = queries.messages_of(endpoint=endpoint)
        return self.page(request, rows, MessageOut, by="created_at")


class MessageView(_View):
    @extend_schema(operation_id="get_webhook_message", responses=MessageDetailOut)
    def get(self, request: Request, shop: str, message_id: UUID) -> Response:
        """Show a message with all attempts to deliver it."""
        return Response(_detail(queries.message_of(message_id=message_id, shop=self.shop)))


class ReplayView(_View):
    keyed: ClassVar[frozenset[str]] = frozenset({"POST"})

    @extend_schema(operation_id="replay_webhook_message", request=None, responses={202: MessageOut})
    def post(self, request: Request, shop: str, message_id: UUID) -> Response:
        """Send a message again: the same id, the same body."""
        owner = self.shop

        def effect() -> tuple[int, Mapping[str, Any]]:
            made = messages.replay(message_id=message_id, shop=owner, now=datetime.now(UTC))
            return 202, MessageOut(made).data

        return self.once(request, scope="webhook-replay", effect=effect)
