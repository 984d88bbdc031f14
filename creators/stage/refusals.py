"""Why a socket's message is not obeyed, and how that is told."""

import logging

import msgspec
from django.utils import translation

from shops.facts.refused import Refused

log = logging.getLogger(__name__)


class SignInFirst(Refused):
    code = "sign_in"
    message = translation.gettext_lazy("Sign in first.")
    status = 401


class TooMany(Refused):
    code = "too_many"
    message = translation.gettext_lazy("That was too much at once. Wait a moment.")
    status = 429


class NotHere(Refused):
    code = "not_here"
    message = translation.gettext_lazy("That is only possible on a show's page.")
    status = 400


def told_as(error: Exception, *, language: str) -> tuple[str, str]:
    """Name an error by its code, and say it in a language; what is our fault is logged."""
    with translation.override(language):
        if isinstance(error, Refused):
            return error.code, str(error)
        if isinstance(error, msgspec.DecodeError):
            # Wrong JSON, an unknown type or field, a value out of bounds.
            return "bad_message", str(error)
        log.error("a message of a socket failed", exc_info=error)
        return "failed", translation.gettext("Something went wrong on our side. Try again.")
