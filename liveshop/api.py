"""The API's entry: errors as RFC 9457 problem details, and what its document says of them."""

from typing import Any, Final

from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ErrorDetail
from rest_framework.serializers import Serializer
from rest_framework.views import exception_handler

from liveshop.middleware import problem
from shops.facts.idempotency import HEADER, KeyMissing
from shops.facts.refused import Refused
from shops.facts.rest import ApiView

PROBLEM: Final = "application/problem+json"
_KEPT_HEADERS: Final = ("Retry-After", "Allow", "WWW-Authenticate")
# What any operation may answer besides what it is for.
_PROBLEMS: Final = {
    "400": "Something in the request is not valid; `errors` says what.",
    "401": "Nobody is known by the token, or there is none.",
    "403": "The token, or its user, may not do that.",
    "404": "It does not exist, or is somebody else's.",
    "406": "Only `application/json` can be answered.",
    "409": "Not now: `code` says why; with `Retry-After` it may go later.",
    "415": "Only `application/json` can be read.",
    "422": "It can't be done with this: `code` says why.",
    "429": "Too often in a short time; try again after `Retry-After` seconds.",
    "503": "Busy, or a server behind this one is away; try again after `Retry-After` seconds.",
}
_Parameter = OpenApiParameter | Serializer[Any] | type[Serializer[Any]]


def problem_details(exc: Exception, context: dict[str, Any]) -> HttpResponseBase | None:
    """Turn whatever a view of the API raised into `application/problem+json`."""
    if isinstance(exc, Refused):
        headers = {"Retry-After": str(exc.retry_after)} if exc.retry_after else {}
        # The request was what the document says; what it means is what can't be.
        is_meant = exc.status == 400 and not isinstance(exc, KeyMissing)
        status = 422 if is_meant else exc.status
        refused = {**problem(exc), "status": status}
        return JsonResponse(refused, status=status, content_type=PROBLEM, headers=headers)
    response = exception_handler(exc, context)
    if response is None:
        return None
    body: dict[str, object] = {
        "type": "about:blank",
        "title": response.reason_phrase,
        "status": response.status_code,
        "code": _code(exc, response.status_code),
    }
    if isinstance(response.data, dict) and isinstance(response.data.get("detail"), ErrorDetail):
        body["detail"] = response.data["detail"]
    else:
        body["errors"] = response.data
    return JsonResponse(
        body,
        status=response.status_code,
        content_type=PROBLEM,
        headers={k: v for k, v in response.headers.items() if k in _KEPT_HEADERS},
    )


def _code(exc: Exception, status: int) -> str:
    code = getattr(exc, "default_code", "")
    detail = getattr(exc, "detail", None)
    if isinstance(detail, ErrorDetail):
        code = detail.code
    return str(code) or {403: "not_allowed", 404: "not_found"}.get(status, "error")


@csrf_exempt
def no_such_address(request: HttpRequest) -> JsonResponse:
    """Answer what no line of the API's table takes, in the API's way."""
    body = {
        "type": "/problems/not_found",
        "title": _("There is nothing at this address."),
        "status": 404,
        "code": "not_found",
    }
    return JsonResponse(body, status=404, content_type=PROBLEM)


class TextAsItIs(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """Says of texts just what `Text` takes."""

    target_class = "shops.facts.fields.Text"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        field = self.target
        return {
            "type": "string",
            "pattern": field.pattern,
            **({} if field.allow_blank else {"minLength": 1}),
            **({"maxLength": field.max_length} if field.max_length else {}),
        }


class Schema(AutoSchema):
    """Says of each operation which scope a token needs and whether it needs a key."""

    def get_override_parameters(self) -> list[_Parameter]:
        view = self.view
        if not isinstance(view, ApiView):
            return []
        found: list[_Parameter] = []
        if self.method in view.keyed:
            found.append(
                OpenApiParameter(
                    HEADER,
                    {"type": "string", "pattern": "^[!-~]{8,255}$"},
                    OpenApiParameter.HEADER,
                    required=True,
                    description="What makes this request this one: sent again with the same key "
                    "and body it gets the same answer and has no second effect.",
                )
            )
        if self.method == "GET" and view.is_paged:
            found += [
                OpenApiParameter(
                    "limit", {"type": "integer", "minimum": 1, "maximum": 100, "default": 50}
                ),
                OpenApiParameter(
                    "cursor",
                    {"type": "string", "pattern": "^[!-~]*$"},
                    description="`next` of a page.",
                ),
            ]
        return found

    def get_description(self) -> str:  # type: ignore[override]  # as drf-spectacular has it
        text: str = super().get_description()
        view = self.view
        if not isinstance(view, ApiView) or self.method not in view.scopes:
            return text
        whose = "the shop's" if view.is_of_shop else "a user's"
        if view.is_for_any_token:
            whose = "anybody's"
        return f"{text}\n\nA token needs the scope `{view.scopes[self.method]}` and is {whose}."

    def get_auth(self) -> list[dict[str, Any]]:
        view = self.view
        if not isinstance(view, ApiView) or self.method not in view.scopes:
            return []
        return [{"token": []}, {"session": []}]

    def get_tags(self) -> list[str]:
        part = self.path.removeprefix("/api/v1/").split("/")
        return [part[2].split(".")[0] if part[0] == "shops" and len(part) > 2 else part[0]]


def with_problems(
    result: dict[str, Any], generator: object, request: object, public: bool
) -> dict[str, Any]:
    """Add to the document what every operation may answer instead of what it is for."""
    schemas = result["components"].setdefault("schemas", {})
    schemas["Problem"] = {
        "type": "object",
        "description": "RFC 9457 problem details; what is known besides is beside these.",
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string", "description": "For people, in their language."},
            "status": {"type": "integer"},
            "code": {"type": "string", "description": "For programs: it does not change."},
            "detail": {"type": "string"},
            "errors": {"description": "By field, what is not valid."},
        },
        "required": ["type", "title", "status", "code"],
    }
    result["components"]["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "bearerFormat": "lst_…"},
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": "sessionid",
            "description": "A browser's; what changes something needs the header X-CSRFToken.",
        },
    }
    content = {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    result["components"]["responses"] = {
        f"Problem{status}": {"description": text, "content": content}
        for status, text in _PROBLEMS.items()
    }
    for path in result["paths"].values():
        for operation in path.values():
            for status in _PROBLEMS:
                answer = {"$ref": f"#/components/responses/Problem{status}"}
                operation["responses"].setdefault(status, answer)
            operation["responses"] = dict(sorted(operation["responses"].items()))
    return result
