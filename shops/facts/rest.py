"""What all views of the API have in common: who may ask, pages of lists, answers under a key."""

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, ClassVar, Final, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer, CharField, Serializer
from rest_framework.utils.encoders import JSONEncoder
from rest_framework.views import APIView

from shops.facts.idempotency import HEADER, Answer, known_answer, make_once, with_key
from shops.facts.refused import Refused

BIGGEST_ID: Final = 2**63 - 1
PAGE: Final = 50
MOST_PER_PAGE: Final = 100
_M = TypeVar("_M", bound=Model)


class BadCursor(Refused):
    code = "bad_cursor"
    message = _("This is no cursor of this list. Begin without one.")
    status = 422


class NextPage(Serializer[Any]):
    """A page of a list; `next` is the `cursor` to ask the next one with, null on the last."""

    next = CharField(allow_null=True)


class ApiView(APIView):
    """A view of the API.

    `scopes` names for each method what a token must be allowed to do; a method that is not in it
    needs no token at all (and no session). `is_of_shop`: the address has the shop's slug, and
    tokens of that shop may ask; all others are for tokens of a user.
    """

    scopes: ClassVar[Mapping[str, str]] = {}
    is_of_shop: ClassVar[bool] = False
    is_for_any_token: ClassVar[bool] = False
    # Methods that need an Idempotency-Key; whether GET takes `cursor` and `limit`.
    keyed: ClassVar[frozenset[str]] = frozenset()
    is_paged: ClassVar[bool] = False

    @property
    def user_id(self) -> int:
        pk = self.request.user.pk
        assert pk is not None  # noqa: S101  # the scopes let nobody in who is not known
        return pk

    def parsed(self, serializer: type[Serializer[Any]], request: Request) -> dict[str, Any]:
        """Read the body by a serializer; what is not valid is answered 400 with the reasons."""
        form = serializer(data=request.data)
        form.is_valid(raise_exception=True)
        data: dict[str, Any] = form.validated_data
        return data

    def once(
        self,
        request: Request,
        *,
        scope: str,
        effect: Callable[[], tuple[int, Mapping[str, Any]]],
        prepare: Callable[[], None] | None = None,
        after: Callable[[Mapping[str, Any]], None] | None = None,
    ) -> Response:
        """Answer under the request's Idempotency-Key: one effect, and the same bytes each time.

        The effect returns a status and a body; it runs in one transaction with its answer. `after`
        gets the body once that is committed, the first time only. `prepare` runs before it, outside
        of transactions, unless the key has been answered: for what is the same once or twice.
        """

        def run() -> Answer:
            status, body = effect()
            return Answer(status, plain(body))

        scope = f"{scope}:{self.user_id}"
        key = request.headers.get(HEADER, "")
        body = asked(request)
        if prepare is not None and known_answer(scope=scope, key=key, body=body) is None:
            prepare()
        answer = with_key(scope=scope, key=key, body=body, effect=run)
        if after is not None and not answer.is_replay:
            after(answer.body)
        return Response(in_order(answer.body), status=answer.status)

    def make_once(
        self,
        request: Request,
        *,
        scope: str,
        make: Callable[[], tuple[int, Mapping[str, Any]]],
    ) -> Response:
        """Answer under the request's Idempotency-Key what is the same, made once or twice.

        `make` returns a status and a body; it runs outside of transactions.
        """

        def run() -> Answer:
            status, body = make()
            return Answer(status, plain(body))

        key = request.headers.get(HEADER, "")
        answer = make_once(scope=f"{scope}:{self.user_id}", key=key, body=asked(request), make=run)
        return Response(in_order(answer.body), status=answer.status)

    def page(
        self,
        request: Request,
        rows: QuerySet[_M],
        serializer: type[BaseSerializer[Any]],
        *,
        by: str = "",
    ) -> Response:
        """Answer a page of rows, newest first, and the cursor of the next one.

        Newest is the biggest key or, where keys are random, the latest instant in the field `by`.
        """
        size = _size(request.query_params.get("limit"))
        cursor = request.query_params.get("cursor")
        if cursor is not None:
            at, pk = _position(cursor, rows.model, by=by)
            older = Q(**{f"{by}__lt": at}) | Q(**{by: at, "pk__lt": pk}) if by else Q(pk__lt=pk)
            rows = rows.filter(older)
        order = [f"-{by}", "-pk"] if by else ["-pk"]
        found = list(rows.order_by(*order)[: size + 1])
        more = len(found) > size
        found = found[:size]
        return Response(
            {
                "results": serializer(found, many=True, context={"request": request}).data,
                "next": _cursor(found[-1], by=by) if more else None,
            }
        )


def asked(request: Request) -> dict[str, Any]:
    """Say what a request asks for, to tell it from another one under the same key."""
    # As text: what nobody reads of a body may be anything that JSON can say.
    return {"path": request.path, "body": json.dumps(request.data, sort_keys=True)}


def plain(body: Any) -> Any:
    """Turn what serializers make (dates, UUIDs) into what JSON has."""
    return json.loads(json.dumps(body, cls=JSONEncoder))


def in_order(body: Any) -> Any:
    """Sort the fields of an answer: the database does not keep the order they were given in."""
    if isinstance(body, Mapping):
        return {name: in_order(body[name]) for name in sorted(body)}
    return [in_order(item) for item in body] if isinstance(body, list) else body


def _size(text: str | None) -> int:
    if text is None:
        return PAGE
    if not (text.isascii() and text.isdigit() and 1 <= len(text) <= 3):
        raise ParseError("`limit` is a whole number from 1 to 100.")
    size = int(text)
    if not 1 <= size <= MOST_PER_PAGE:
        raise ParseError("`limit` is a whole number from 1 to 100.")
    return size


def _cursor(last: Model, *, by: str) -> str:
    at: datetime | None = getattr(last, by) if by else None
    text = f"{at.isoformat() if at else ''}|{last.pk}"
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _position(cursor: str, model: type[Model], *, by: str) -> tuple[datetime | None, Any]:
    """Read a cursor of ours; anything else is refused, whatever it is made of."""
    try:
        text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        instant, bar, last = text.partition("|")
        pk = model._meta.pk.to_python(last)
        at = datetime.fromisoformat(instant) if by else None
        if not bar or (at is not None and at.tzinfo is None) or (not by and instant):
            raise ValueError(text)
    except (binascii.Error, ValueError, OverflowError, ValidationError):
        raise BadCursor from None
    if isinstance(pk, int) and not 0 <= pk <= BIGGEST_ID:
        raise BadCursor
    return at, pk
