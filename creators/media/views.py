"""What another media server asks and tells: may this one publish or read; its publisher is gone.

MediaMTX asks in JSON (`authMethod: http`), nginx-rtmp by a form (`on_publish`). Both say the key as
the last part of the path, or as `key` beside a path that ends in the stream's id. There is nothing
here unless PLAYBACK_URL is set.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qs
from uuid import UUID

from django.conf import settings
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from creators.media import access, queries, services
from creators.media.models import Stream

# Wrong keys that one address may try in a minute.
MOST_WRONG: Final = 20


@dataclass(frozen=True)
class Question:
    """What was asked, whichever way; `name` is the last part of the path."""

    action: str
    name: str
    key: str
    token: str
    address: str
    is_form: bool

    @classmethod
    def of(cls, request: HttpRequest) -> "Question | None":
        """Read it; None when it is of neither way."""
        if request.content_type == "application/json":
            try:
                words = json.loads(request.body)
            except (ValueError, RecursionError):
                return None
            if not isinstance(words, dict):
                return None
            said = {name: value for name, value in words.items() if isinstance(value, str)}
            query = {name: found[0] for name, found in parse_qs(said.get("query", "")).items()}
            return cls._made(said.get("action", ""), said.get("path", ""), said, query, "ip")
        form = request.POST.dict()
        said = {name: value for name, value in form.items() if isinstance(value, str)}
        action = {"publish_done": "publish", "play": "read"}.get(
            said.get("call", ""), said.get("call", "")
        )
        return cls._made(action, said.get("name", ""), said, said, "addr", is_form=True)

    @classmethod
    def _made(
        cls,
        action: str,
        path: str,
        said: Mapping[str, str],
        query: Mapping[str, str],
        address: str,
        *,
        is_form: bool = False,
    ) -> "Question":
        return cls(
            action=action,
            name=path.rstrip("/").rpartition("/")[2],
            key=query.get("key", ""),
            token=query.get("token", ""),
            address=said.get(address, "")[:60],
            is_form=is_form,
        )

    @property
    def stream_id(self) -> UUID | None:
        try:
            return UUID(self.name)
        except ValueError:
            return None

    def publishes_to(self) -> Stream | None:
        """Return the open stream that its key points to; None when the key is not right for it."""
        known = queries.key_like(self.key or self.name)
        stream = known.target if known else None
        if stream is None or not stream.is_open:
            return None
        return stream if not self.key or self.stream_id == stream.pk else None

    def may_read(self, now: datetime) -> bool:
        stream = Stream.objects.filter(pk=self.stream_id).first() if self.stream_id else None
        if stream is None:
            return False
        return not stream.is_private or access.is_valid(
            self.token, stream.pk, purpose="watch", now=now
        )


@csrf_exempt
@require_POST
def auth(request: HttpRequest) -> HttpResponse:
    """Answer 204 when it may, 401 when not; a form's key is answered with the stream's id, 302."""
    question, refusal = _heard(request)
    if question is None:
        return refusal
    now = datetime.now(UTC)
    if question.action == "read" and question.may_read(now):
        return HttpResponse(status=204)
    stream = question.publishes_to() if question.action == "publish" else None
    if stream is None:
        return _wrong(question)
    try:
        services.publisher_came_elsewhere(stream_id=stream.pk, now=now)
    except services.NotOpen:
        return _wrong(question)
    if question.is_form and question.stream_id != stream.pk:
        # nginx-rtmp publishes it under this name: viewers are not to see the key.
        return HttpResponse(status=302, headers={"Location": str(stream.pk)})
    return HttpResponse(status=204)


@csrf_exempt
@require_POST
def gone(request: HttpRequest) -> HttpResponse:
    """Take note that a publisher is gone; it says so with the key that it came by."""
    question, refusal = _heard(request)
    if question is None:
        return refusal
    stream = question.publishes_to()
    if stream is None:
        return _wrong(question)
    services.publisher_went_elsewhere(stream_id=stream.pk, now=datetime.now(UTC))
    return HttpResponse(status=204)


def _heard(request: HttpRequest) -> tuple[Question | None, HttpResponse]:
    if not settings.PLAYBACK_URL:
        raise Http404
    question = Question.of(request)
    if question is None:
        return None, HttpResponse("This is neither MediaMTX's nor nginx-rtmp's way.\n", status=400)
    if cache.get(_counter(question), 0) >= MOST_WRONG:
        response = HttpResponse("Too many wrong keys.\n", status=429, headers={"Retry-After": "60"})
        return None, response
    return question, HttpResponse(status=401)


def _counter(question: Question) -> str:
    return f"media.auth:{question.address}"


def _wrong(question: Question) -> HttpResponse:
    """Say no, and count it; a public stream's first request comes without a token, as it should."""
    if question.action == "publish":
        name = _counter(question)
        cache.set(name, cache.get(name, 0) + 1, timeout=60)
    return HttpResponse(status=401)
