"""What log lines look like, and what never stands in them: e-mail addresses, keys, whole paths.

A request is named by its route: a path may hold an invitation, a stream's key, a way to a password.
"""

import logging
import re
from typing import Any, Final

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

_SECRETS: Final = re.compile(
    # An e-mail address, or what stands before a host: "user:password@host.example".
    r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+"
    r"|\bwhsec_[\w+/=-]+"
    r"|(?i:\bbearer\s+[\w.~+/=-]+)"
    r"|(?i:\b(?:sessionid|csrftoken|token|password|secret|key|signature)=[^\s&;\"']+)"
)
# What stands in all of these, whatever its case. Most lines have none, and are not searched.
_HINTS: Final = (
    "@",
    "whsec_",
    "bearer",
    "sessionid=",
    "token=",
    "password=",
    "secret=",
    "key=",
    "signature=",
)
HIDDEN: Final = "[hidden]"
# What Django and we hang on records for other purposes; a request's text holds its whole address.
_NOT_FOR_JSON: Final = ("request", "trace", "server_time", "color_message")


def without_secrets(text: str) -> str:
    """Take e-mail addresses, keys, tokens and passwords out of a text."""
    folded = text.casefold()
    if not any(hint in folded for hint in _HINTS):
        return text
    return _SECRETS.sub(HIDDEN, text)


class RouteForPath(logging.Filter):
    """Puts the route in the place of the path in what Django says about a request."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        path = getattr(request, "path", None)
        if path is not None and isinstance(record.args, tuple):
            match = getattr(request, "resolver_match", None)
            route = "(no route)" if match is None else f"/{match.route}"
            record.args = tuple(route if part == path else part for part in record.args)
        return True


class Line(logging.Formatter):
    """A line for people."""

    def format(self, record: logging.LogRecord) -> str:
        return without_secrets(super().format(record))


class Json(JsonFormatter):
    """An object a line, for machines: what was said, by whom, when, and the ids to follow it by."""

    def __init__(self) -> None:
        super().__init__(
            "{asctime}{levelname}{name}{message}",
            style="{",
            datefmt="%Y-%m-%dT%H:%M:%S%z",
            rename_fields={"asctime": "at", "levelname": "level", "name": "logger"},
            reserved_attrs=[*RESERVED_ATTRS, *_NOT_FOR_JSON],
        )

    def format(self, record: logging.LogRecord) -> str:
        return without_secrets(super().format(record))


def configuration(*, style: str, level: str) -> dict[str, Any]:
    """Return what `logging.config.dictConfig` takes; `style` is "line" or "json".

    :raises ValueError: there is no such style
    """
    if style not in ("line", "json"):
        raise ValueError(f"LOG_FORMAT is line or json, not {style!r}")
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {
            "traced": {"()": "shops.facts.tracing.Traced"},
            "route_for_path": {"()": "liveshop.logs.RouteForPath"},
        },
        "formatters": {
            "line": {
                "()": "liveshop.logs.Line",
                "format": "{asctime} {levelname} {name} [{trace}] {message}",
                "style": "{",
            },
            "json": {"()": "liveshop.logs.Json"},
        },
        "handlers": {
            "console": {
                "class": "logging.StreamHandler",
                "formatter": style,
                "filters": ["traced", "route_for_path"],
            }
        },
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "httpx": {"level": "WARNING"},
            "daphne.http_protocol": {"level": "WARNING"},
            "procrastinate": {"level": "WARNING"},
            # At INFO it writes the addresses of websockets, and those of cameras are signed.
            "uvicorn.error": {"level": "WARNING"},
            # The same, and each request has its line already.
            "uvicorn.access": {"level": "WARNING"},
            "django.channels.server": {"level": "WARNING"},
            # A refusal or a page that isn't there is in the request's own line.
            "django.request": {"level": "ERROR"},
        },
    }
