"""Builds the document; `manage.py asyncapi` writes it to docs/asyncapi.yaml."""

from functools import cache
from typing import Any, Final, Literal, get_args

import msgspec
import yaml

from creators.stage.asyncapi.examples import example
from creators.stage.asyncapi.prose import CHAPTERS
from creators.stage.asyncapi.source import comments, meaning, usual
from creators.stage.wire import framing, messages
from creators.stage.wire.events import AnyRoomEvent, RoomEvent
from creators.stage.wire.parts import Close, RoomKind

Json = dict[str, Any]

EVENTS: Final[tuple[type[RoomEvent], ...]] = get_args(AnyRoomEvent)
INBOUND: Final[tuple[type[messages.Inbound], ...]] = get_args(messages.AnyInbound)
ROOMS: Final[tuple[RoomKind, ...]] = get_args(RoomKind)
# A socket that is of no show has only this room.
OWN_ROOMS: Final[tuple[RoomKind, ...]] = ("me",)
SHOW_ONLY: Final = (
    messages.SendChat,
    messages.Ask,
    messages.VoteFor,
    messages.Heart,
    messages.DeleteMessage,
    messages.Mute,
    messages.Unmute,
    messages.Watching,
    messages.SayCaption,
)
_REF: Final = "#/components/schemas/{name}"


def tag_of(cls: type[msgspec.Struct]) -> str:
    return str(cls.__struct_config__.tag)


def snapshot_class(room: RoomKind) -> type[msgspec.Struct]:
    """Make the class of one room's snapshots: its state is of one type."""
    state = getattr(messages, f"{room.title()}State")
    return _of_room(messages.Snapshot, room, {"state": state}, tag="snapshot")


def frame_class(room: RoomKind) -> type[msgspec.Struct]:
    return _of_room(framing.Frame, room, {}, tag=None)


def _of_room(
    cls: type[msgspec.Struct], room: RoomKind, types: dict[str, Any], *, tag: str | None
) -> type[msgspec.Struct]:
    types = {"room": Literal[room], **types}
    fields: list[Any] = []
    for known in msgspec.structs.fields(cls):
        kind = types.get(known.name, known.type)
        settings = msgspec.field(name=known.encode_name)
        if known.default is not msgspec.NODEFAULT:
            settings = msgspec.field(name=known.encode_name, default=known.default)
        fields.append((known.name, kind, settings))
    return msgspec.defstruct(
        f"{cls.__name__}{room.title()}",
        fields,
        namespace={"__doc__": meaning(cls)},
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
        tag=tag,
        tag_field=None if tag is None else "t",
    )


# --- Schemas ----------------------------------------------------------------------------------


def _told() -> dict[str, type[msgspec.Struct]]:
    """Name what the server tells outside of frames: the snapshots room by room, and the rest."""
    plain = [cls for cls in get_args(messages.AnyOutbound) if cls is not messages.Snapshot]
    all_of_it = [*map(snapshot_class, ROOMS), *plain]
    return {cls.__name__: cls for cls in all_of_it}


def _frames() -> dict[str, type[msgspec.Struct]]:
    return {cls.__name__: cls for cls in map(frame_class, ROOMS)}


def _schemas() -> dict[str, Json]:
    told, frames = _told(), _frames()
    types = [*INBOUND, *told.values(), *frames.values(), *EVENTS]
    _, found = msgspec.json.schema_components(types, ref_template=_REF)
    classes = _classes(types)
    schemas = {name: _tidied(schema, classes.get(name)) for name, schema in found.items()}
    for cls in EVENTS:
        schemas[f"{cls.__name__}Event"] = _numbered(schemas[cls.__name__])
    for room in ROOMS:
        events = [cls for cls in EVENTS if room in framing.GOES_TO[cls]]
        refs = [_ref(f"{cls.__name__}Event") for cls in events]
        frame = schemas[f"Frame{room.title()}"]
        frame["properties"]["events"]["items"] = {"oneOf": refs}
        _explain(frame, framing.Frame)
        _explain(schemas[f"Snapshot{room.title()}"], messages.Snapshot)
    return _used(schemas)


def _classes(types: list[type[msgspec.Struct]]) -> dict[str, type[msgspec.Struct]]:
    """Find all the classes that messages are made of, by name."""
    found: dict[str, type[msgspec.Struct]] = {}
    waiting: list[Any] = [*msgspec.inspect.multi_type_info(types)]
    while waiting:
        match waiting.pop():
            case msgspec.inspect.StructType(cls=cls, fields=fields) if cls.__name__ not in found:
                found[cls.__name__] = cls
                waiting += [one.type for one in fields]
            case msgspec.inspect.UnionType(types=several):
                waiting += several
            case msgspec.inspect.CollectionType(item_type=item):
                waiting.append(item)
            case msgspec.inspect.DictType(value_type=value):
                waiting.append(value)
    return found


def _tidied(schema: Json, cls: type[msgspec.Struct] | None) -> Json:
    schema = {key: value for key, value in schema.items() if key != "description"}
    for name, said in schema.get("properties", {}).items():
        if "$ref" in said and len(said) > 1:
            # Nothing beside a $ref counts.
            schema["properties"][name] = {"allOf": [_ref_only(said)], "default": said["default"]}
        elif name == "t":
            schema["properties"][name] = {"const": said["enum"][0], "type": "string"}
    if cls is not None:
        text = meaning(cls)
        if text:
            schema = {"title": schema.pop("title"), "description": text, **schema}
        if cls.__module__.startswith("creators.stage.wire"):
            _explain(schema, cls)
    return schema


def _explain(schema: Json, cls: type) -> None:
    """Give fields the words that stand beside them in the source, else what their name says."""
    names = {one.name: one.encode_name for one in msgspec.structs.fields(cls)}
    beside = {names.get(name, name): text for name, text in comments(cls).items()}
    for name, said in schema["properties"].items():
        text = beside.get(name) or usual(name)
        if text:
            if "$ref" in said:
                said["allOf"] = [{"$ref": said.pop("$ref")}]
            said["description"] = text


def _numbered(schema: Json) -> Json:
    """Add what each event in a frame has: its number and its time."""
    own: Json = msgspec.json.decode(msgspec.json.encode(schema))
    head = {
        "seq": {"type": "integer", "description": "Its number in the room."},
        "at": {"type": "integer", "description": "When it happened, in ms."},
    }
    own["title"] += "Event"
    own["properties"] = {**head, **own["properties"]}
    own["required"] = [*head, *own["required"]]
    return own


def _ref(name: str) -> Json:
    return {"$ref": _REF.format(name=name)}


def _ref_only(said: Json) -> Json:
    return {"$ref": said["$ref"]}


def _names_in(part: Any) -> set[str]:
    match part:
        case {"$ref": str(ref)}:
            return {ref.rpartition("/")[2]}
        case dict():
            return {name for value in part.values() for name in _names_in(value)}
        case list():
            return {name for value in part for name in _names_in(value)}
    return set()


def _used(schemas: dict[str, Json]) -> dict[str, Json]:
    """Leave out what only numbered events were made of."""
    wanted = [cls.__name__ for cls in INBOUND] + [*_told(), *_frames()]
    kept: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name not in kept:
            kept.add(name)
            wanted += sorted(_names_in(schemas[name]))
    return {name: schemas[name] for name in sorted(kept)}


# --- Messages and channels --------------------------------------------------------------------


def numbered_example(cls: type[RoomEvent]) -> Json:
    return {"seq": 42, "at": 1_764_000_000_250, **example(cls)}


def frame_example(room: RoomKind) -> Json:
    """Return a frame with one event, which is the one that its `from` and `seq` tell of."""
    first = next(cls for cls in EVENTS if room in framing.GOES_TO[cls])
    frame = {**example(frame_class(room)), "from": 42, "seq": 42, "left_out": 0}
    del frame["left_out"]
    return {**frame, "events": [numbered_example(first)]}


def _message(cls: type[msgspec.Struct], shown: Json, name: str) -> Json:
    text = meaning(cls)
    return {
        "name": name,
        "title": cls.__name__,
        **({"summary": text.partition("\n")[0]} if text else {}),
        "contentType": "application/json",
        "payload": _ref(cls.__name__),
        "examples": [{"name": cls.__name__, "payload": shown}],
    }


def _messages() -> dict[str, Json]:
    found = {cls.__name__: _message(cls, example(cls), tag_of(cls)) for cls in INBOUND}
    for name, cls in _told().items():
        found[name] = _message(cls, example(cls), tag_of(cls))
    for room in ROOMS:
        cls = frame_class(room)
        found[cls.__name__] = _message(cls, frame_example(room), f"frame of {room}")
    return found


def _said_in(*, of_show: bool) -> list[str]:
    return [cls.__name__ for cls in INBOUND if of_show or cls not in SHOW_ONLY]


def _told_in(*, of_show: bool) -> list[str]:
    rooms = ROOMS if of_show else OWN_ROOMS
    by_room = {f"{kind}{room.title()}" for kind in ("Snapshot", "Frame") for room in ROOMS}
    here = {f"{kind}{room.title()}" for kind in ("Snapshot", "Frame") for room in rooms}
    names = [*_told(), *_frames()]
    left = names if of_show else [name for name in names if name != messages.Said.__name__]
    return [name for name in left if name not in by_room or name in here]


def _channel(address: str, description: str, names: list[str], **more: Any) -> Json:
    refs = {name: {"$ref": f"#/components/messages/{name}"} for name in names}
    return {"address": address, "description": description, "messages": refs, **more}


def _operation(action: str, channel: str, summary: str, names: list[str]) -> Json:
    refs = [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in names]
    where = {"$ref": f"#/channels/{channel}"}
    return {"action": action, "channel": where, "summary": summary, "messages": refs}


def close_codes() -> list[tuple[int, str, str]]:
    """Return the codes that the server closes with: number, name, what it means."""
    said = comments(Close)
    return [(int(code), code.name.lower(), said.get(code.name, "")) for code in sorted(Close)]


def _description() -> str:
    parts = [f"## {chapter.title}\n\n" + "\n\n".join(chapter.paragraphs) for chapter in CHAPTERS]
    lines = [f"- `{code}` {name}: {text}" for code, name, text in close_codes()]
    codes = "\n\n".join(["## Close codes", meaning(Close), "\n".join(lines)])
    return "\n\n".join([*parts, codes])


@cache
def document() -> Json:
    """Return the whole document; it is built once."""
    said, told = _said_in(of_show=True), _told_in(of_show=True)
    own_said, own_told = _said_in(of_show=False), _told_in(of_show=False)
    show = {"piece_id": {"description": "The show's id: the number in its page's address."}}
    built: Json = {
        "asyncapi": "3.0.0",
        "info": {"title": "liveshop: the stage", "version": "1", "description": _description()},
        "defaultContentType": "application/json",
        "servers": {
            "site": {
                "host": "{host}",
                "protocol": "wss",
                "description": "The site itself; `ws` where the site is plain http.",
                "variables": {"host": {"default": "127.0.0.1:8000"}},
                "security": [{"$ref": "#/components/securitySchemes/session"}],
            }
        },
        "channels": {
            "live": _channel(
                "/ws/live/{piece_id}/",
                "A show: its viewers, its moderators, its host.",
                [*said, *told],
                parameters=show,
            ),
            "me": _channel("/ws/me/", "The owner's own tabs.", [*own_said, *own_told]),
        },
        "operations": {
            "sayInShow": _operation("receive", "live", "What a page of a show may say.", said),
            "tellShow": _operation("send", "live", "What a page of a show is told.", told),
            "say": _operation("receive", "me", "What any other page may say.", own_said),
            "tell": _operation("send", "me", "What any other page is told.", own_told),
        },
        "components": {
            "schemas": _schemas(),
            "messages": _messages(),
            "securitySchemes": {
                "session": {
                    "type": "httpApiKey",
                    "in": "cookie",
                    "name": "sessionid",
                    "description": "The site's session; without it the client is a guest. The "
                    "Origin header must name the site.",
                }
            },
        },
        "x-close-codes": [
            {"code": code, "name": name, "meaning": text} for code, name, text in close_codes()
        ],
    }
    # Nothing is shared: YAML would write anchors.
    whole: Json = msgspec.json.decode(msgspec.json.encode(built))
    return whole


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as they are."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


@cache
def as_yaml() -> str:
    """Return the document as the committed file has it."""
    told: str = yaml.dump(
        document(), Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=100
    )
    return "# Written by `make asyncapi` from creators/stage/wire; not by hand.\n" + told
