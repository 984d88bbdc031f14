"""In which language a socket is answered: channels has no locale middleware."""

from collections.abc import MutableMapping
from typing import Any

from django.conf import settings
from django.utils.translation import get_supported_language_variant
from django.utils.translation.trans_real import parse_accept_lang_header


def language_of(scope: MutableMapping[str, Any]) -> str:
    """Choose as Django does for a page: the cookie, then the browser's wishes, then ours."""
    wishes = [str(scope.get("cookies", {}).get(settings.LANGUAGE_COOKIE_NAME, ""))]
    for name, value in scope.get("headers", []):
        if name == b"accept-language":
            wishes += [code for code, _ in parse_accept_lang_header(value.decode("latin-1"))]
    for wish in wishes:
        if wish and wish != "*":
            try:
                return get_supported_language_variant(wish)
            except LookupError:
                continue
    return settings.LANGUAGE_CODE
