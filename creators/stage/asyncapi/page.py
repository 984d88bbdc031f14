"""The document as tables for people: what /api/stage/ shows."""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from creators.stage.asyncapi.document import (
    EVENTS,
    INBOUND,
    SHOW_ONLY,
    document,
    numbered_example,
    tag_of,
)
from creators.stage.asyncapi.examples import example
from creators.stage.asyncapi.prose import CHAPTERS
from creators.stage.asyncapi.source import meaning
from creators.stage.wire import framing, messages

_BOUNDS: Final = {
    "minimum": "≥ {}",
    "maximum": "≤ {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "pattern": "like {}",
}


@dataclass(frozen=True)
class Word:
    """A piece of a type's name; `to` is the anchor of what it names."""

    text: str
    to: str = ""


@dataclass(frozen=True)
class Field:
    name: str
    type: tuple[Word, ...]
    is_required: bool
    default: str
    meaning: str


@dataclass(frozen=True)
class Shape:
    """A message, an event or a part of them."""

    anchor: str
    name: str
    meaning: tuple[str, ...]
    fields: tuple[Field, ...]
    # What it looks like as JSON; "" for parts, which stand in the examples of messages.
    example: str = ""
    # Where it goes: rooms of an event, channels of a message.
    places: tuple[str, ...] = ()


@dataclass(frozen=True)
class Section:
    anchor: str
    title: str
    lead: str
    shapes: tuple[Shape, ...]


def _words(schema: dict[str, Any]) -> tuple[Word, ...]:
    """Say a schema's type in words."""
    match schema:
        case {"$ref": str(ref)}:
            name = ref.rpartition("/")[2]
            return (Word(name, name),)
        case {"allOf": [one]}:
            return _words(one)
        case {"anyOf": list(several)} | {"oneOf": list(several)}:
            words: list[Word] = []
            for one in several:
                words += [Word(" or ")] * bool(words) + list(_words(one))
            return tuple(words)
        case {"const": value}:
            return (Word(json.dumps(value)),)
        case {"enum": list(values)}:
            return (Word(" or ".join(json.dumps(value) for value in values)),)
        case {"type": "array", "items": dict(item)}:
            return (Word("list of "), *_words(item))
        case {"type": "object", "additionalProperties": dict(value)}:
            return (Word("object of "), *_words(value))
    name = schema.get("format") or schema.get("type", "anything")
    bounds = [said.format(schema[key]) for key, said in _BOUNDS.items() if key in schema]
    return (Word(f"{name}, {', '.join(bounds)}" if bounds else str(name)),)


def _fields(schema: dict[str, Any]) -> tuple[Field, ...]:
    required = schema.get("required", ())
    return tuple(
        Field(
            name=name,
            type=_words(said),
            is_required=name in required,
            default=json.dumps(said["default"]) if "default" in said else "",
            meaning=said.get("description", ""),
        )
        for name, said in schema.get("properties", {}).items()
    )


def _paragraphs(text: str) -> tuple[str, ...]:
    return tuple(text.split("\n\n")) if text else ()


def _pretty(message: dict[str, Any]) -> str:
    return json.dumps(message, indent=2, ensure_ascii=False)


def _shape(
    schema: dict[str, Any], *, name: str, shown: str = "", places: tuple[str, ...] = ()
) -> Shape:
    return Shape(
        anchor=schema["title"],
        name=name,
        meaning=_paragraphs(schema.get("description", "")),
        fields=_fields(schema),
        example=shown,
        places=places,
    )


@cache
def sections() -> tuple[Section, ...]:
    """Return all that is said, told and published, and what that is made of."""
    whole = document()
    schemas = whole["components"]["schemas"]
    said = tuple(
        _shape(
            schemas[cls.__name__],
            name=tag_of(cls),
            shown=_pretty(example(cls)),
            places=("/ws/live/",) if cls in SHOW_ONLY else ("/ws/live/", "/ws/me/"),
        )
        for cls in INBOUND
    )
    told = tuple(
        _shape(
            schemas[name],
            name=said["name"],
            shown=_pretty(said["examples"][0]["payload"]),
        )
        for name, said in whole["components"]["messages"].items()
        if name not in {cls.__name__ for cls in INBOUND}
    )
    events = tuple(
        _shape(
            schemas[f"{cls.__name__}Event"],
            name=tag_of(cls),
            shown=_pretty(numbered_example(cls)),
            places=framing.GOES_TO[cls],
        )
        for cls in EVENTS
    )
    known = {shape.anchor for shape in (*said, *told, *events)}
    parts = tuple(
        _shape(schema, name=name) for name, schema in schemas.items() if name not in known
    )
    return (
        Section("said", "What a client says", meaning(messages.Inbound), said),
        Section("told", "What a client is told", meaning(messages.Outbound), told),
        Section("events", "Events in frames", meaning(framing.Frame), events),
        Section("parts", "What messages are made of", "", parts),
    )


__all__ = ["CHAPTERS", "sections"]
