"""An example of each message: an instance of its class, so that it can only be a true one."""

from typing import Any, Final

import msgspec
from msgspec import inspect

# What stands in a field of that name; other fields get a plain value of their type.
_SAMPLES: Final[dict[str, Any]] = {
    "at": 1_764_000_000_250,
    "author": "Alice",
    "badge": "",
    "body": "Does the lamp come in green?",
    "buyer": "Ali",
    "by": "Bob",
    "client_id": "3f0c9f5e-6a5b-4c53-9a4e-5d1f0c6a7b21",
    "code": "slow_mode",
    "currency": "EUR",
    "epoch": "9f2c4e7a1b3d5f60",
    "from": 42,
    "handle": "blue-lamp",
    "host": "Bob",
    "indicator": "sales_ability",
    "lang": "en",
    "low": "61.2",
    "high": "78.9",
    "value": "70.4",
    "number": "A-1042",
    "options": "green",
    "price_minor": 4900,
    "re": "chat",
    "reason": "advertising",
    "ref": "3f0c9f5e-6a5b-4c53-9a4e-5d1f0c6a7b21",
    "name": "Alice",
    "room": "live",
    "seq": 42,
    "shop": "Carol's",
    "text": "Wait a few seconds between two lines.",
    "title": "Blue lamp",
    "viewers": 1200,
}
_MILLISECONDS: Final = frozenset({"scheduled_at", "started_at", "pinned_at", "sent_at", "since"})
_DEPTH: Final = 6


def example(cls: type) -> dict[str, Any]:
    """Return a message of a class as JSON data.

    :raises msgspec.ValidationError: a sample does not fit its field
    """
    kind = inspect.type_info(cls)
    message: msgspec.Struct = msgspec.convert(_value("", kind, _DEPTH), cls)
    decoded: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(message))
    return decoded


def _value(name: str, kind: inspect.Type, depth: int) -> Any:
    sample = _SAMPLES.get(name)
    match kind:
        case inspect.StructType(fields=fields, tag=tag, tag_field=tag_field):
            told = {f.encode_name: _value(f.encode_name, f.type, depth - 1) for f in fields}
            return told if tag_field is None else {tag_field: tag, **told}
        case inspect.UnionType(types=types):
            present = [one for one in types if not isinstance(one, inspect.NoneType)]
            is_optional = len(present) < len(types)
            # What need not be there is left out deep inside: the example stays readable.
            is_deep = isinstance(present[0], inspect.StructType) and depth < _DEPTH - 1
            return None if is_optional and is_deep else _value(name, present[0], depth)
        case inspect.CollectionType(item_type=item):
            return [_value(name.removesuffix("s"), item, depth)]
        case inspect.DictType(key_type=key, value_type=value):
            one = name.removesuffix("s")
            return {_value(one, key, depth): _value(one, value, depth)}
        case inspect.LiteralType(values=values):
            return sample if sample in values else values[0]
        case inspect.IntType(ge=least):
            if name in _MILLISECONDS or name.endswith(("_at", "until")):
                return _SAMPLES["at"]
            return sample if isinstance(sample, int) else max(7, least or 0)
        case inspect.BoolType():
            return False
        case inspect.UUIDType():
            return _SAMPLES["client_id"]
        case inspect.StrType():
            return sample if isinstance(sample, str) else ""
        case inspect.AnyType() | inspect.RawType():
            return {}
    raise TypeError(f"there is no example of {kind} ({name})")
