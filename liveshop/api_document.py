"""The API's OpenAPI document: as YAML for programs, in sections for a page."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import yaml
from django.conf import settings
from django.utils.translation import override
from drf_spectacular.generators import SchemaGenerator

# Of a long list of choices, such as countries, a page shows the beginning.
_MOST_SHOWN: Final = 16


@dataclass(frozen=True)
class Field:
    name: str
    kind: str
    is_required: bool
    text: str = ""


@dataclass(frozen=True)
class Operation:
    """One thing that a program can ask, as a page shows it."""

    anchor: str
    method: str
    path: str
    paragraphs: list[str]
    parameters: list[Field]
    body: list[Field]
    answers: list[tuple[str, str]]


@dataclass(frozen=True)
class Section:
    anchor: str
    title: str
    operations: list[Operation] = field(default_factory=list)


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """Make the document from the views; always in English."""
    with override("en"):
        generator: Any = SchemaGenerator  # it has no types
        made = generator(urlconf=settings.ROOT_URLCONF).get_schema(request=None, public=True)
        # Lazy texts and ordered mappings become plain ones.
        plain: dict[str, Any] = json.loads(json.dumps(made, default=str))
    return plain


def as_yaml() -> str:
    """Return the document as the committed file has it."""
    told: str = yaml.safe_dump(document(), allow_unicode=True, sort_keys=False, width=100)
    return "# Written by `make openapi` from the API's views; not by hand.\n" + told


def sections() -> list[Section]:
    """Gather the operations by what they are about, in the document's order."""
    found: dict[str, Section] = {}
    for path, operations in document()["paths"].items():
        for method, operation in operations.items():
            tag = operation["tags"][0]
            section = found.setdefault(tag, Section(anchor=f"about-{tag}", title=tag.capitalize()))
            section.operations.append(
                Operation(
                    anchor=operation["operationId"].replace("_", "-"),
                    method=method.upper(),
                    path=path,
                    paragraphs=operation.get("description", "").split("\n\n"),
                    parameters=[
                        Field(
                            name=parameter["name"],
                            kind=_kind(parameter["schema"]),
                            is_required=parameter.get("required", False),
                            text=parameter.get("description", ""),
                        )
                        for parameter in operation.get("parameters", ())
                    ],
                    body=list(_fields(operation.get("requestBody"))),
                    answers=[
                        (status, _named(answer))
                        for status, answer in operation["responses"].items()
                        if status.startswith("2")
                    ],
                )
            )
    return list(found.values())


def shapes() -> list[tuple[str, str, list[Field]]]:
    """List what answers are made of: a name, what it is, its fields."""
    schemas = document()["components"]["schemas"]
    return [
        (name, schema.get("description", ""), list(_of_object(schema)))
        for name, schema in sorted(schemas.items())
        if schema.get("type") == "object"
    ]


def _fields(body: dict[str, Any] | None) -> Iterator[Field]:
    if body is None:
        return
    schema = next(iter(body["content"].values()))["schema"]
    yield from _of_object(_resolved(schema))


def _of_object(schema: dict[str, Any]) -> Iterator[Field]:
    required = schema.get("required", ())
    for name, known in schema.get("properties", {}).items():
        yield Field(name, _kind(known), name in required, known.get("description", ""))


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    reference = schema.get("$ref", "")
    if not reference:
        return schema
    found: dict[str, Any] = document()["components"]["schemas"][reference.rpartition("/")[2]]
    return found


def _named(answer: dict[str, Any]) -> str:
    for content in answer.get("content", {}).values():
        return _kind(content["schema"])
    return ""


def _kind(schema: dict[str, Any]) -> str:
    """Name a type in a few words."""
    if "$ref" in schema:
        named = _resolved(schema)
        return _kind(named) if "enum" in named else str(schema["$ref"].rpartition("/")[2])
    for choice in ("oneOf", "anyOf", "allOf"):
        if choice in schema:
            return " or ".join(dict.fromkeys(_kind(one) for one in schema[choice]))
    kind = schema.get("type", "anything")
    if "enum" in schema:
        shown = [str(value) or "“”" for value in schema["enum"][:_MOST_SHOWN]]
        return " | ".join(shown + ["…"] * (len(schema["enum"]) > _MOST_SHOWN))
    if isinstance(kind, list):
        return " or ".join(kind)
    if kind == "array":
        return f"list of {_kind(schema['items'])}"
    return f"{schema['format']}" if "format" in schema else str(kind)
