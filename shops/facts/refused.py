"""A "no" that people can understand: refused, nothing half done, and it says why."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Refused(Exception):
    """The base of every refusal; a room's own stand beside the function that raises them.

    `code` is the machine's name of the reason, `message` what a person reads, `status` the HTTP
    status of the answer, `extra` what a client may want to know besides (plain JSON). With
    `retry_after` (seconds) the same request may succeed later.
    """

    code: ClassVar[str] = "refused"
    message: ClassVar[str | Promise] = _("That is not possible.")
    status: ClassVar[int] = 409
    retry_after: ClassVar[int | None] = None

    def __init__(self, message: str | Promise | None = None, **extra: Any) -> None:
        self.text = message or self.message
        self.extra: Mapping[str, Any] = extra
        super().__init__(self.code)

    def __str__(self) -> str:
        return str(self.text)


class NotAllowed(Refused):
    code = "not_allowed"
    message = _("You are not allowed to do that.")
    status = 403


class NotFound(Refused):
    code = "not_found"
    message = _("That does not exist, or no longer.")
    status = 404


class Invalid(Refused):
    code = "invalid"
    message = _("Something in what you sent is not valid.")
    status = 400
