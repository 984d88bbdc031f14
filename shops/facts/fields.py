"""Fields of what the API is sent: exactly what its document says, nothing made to fit.

A number in quotes is no number, a number is no text; blanks alone are no text where one is asked
for; and NUL is in no text, as PostgreSQL can't store it.
"""

import re
from typing import Any, Final

from rest_framework.fields import empty
from rest_framework.serializers import CharField, IntegerField

# Beyond this a number with a point is not exact.
_EXACT: Final = 2**53
# Something that is neither a blank nor a control character, whoever's idea of blanks it is.
_SEEN: Final = re.compile(r"[^\s\u0000-\u0020\u007f-\u00a0\ufeff]")


class Text(CharField):
    """A text as it was sent, blanks around it too."""

    def __init__(self, **options: Any) -> None:
        super().__init__(trim_whitespace=False, **options)

    @property
    def pattern(self) -> str:
        """What it has to be, as a regular expression."""
        return r"^[^\u0000]*$" if self.allow_blank else rf"^[^\u0000]*{_SEEN.pattern}[^\u0000]*$"

    def run_validation(self, data: Any = empty) -> Any:
        if isinstance(data, str) and not self.allow_blank and not _SEEN.search(data):
            self.fail("blank")
        return super().run_validation(data)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Whole(IntegerField):
    """A whole number."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, float) and data.is_integer() and abs(data) < _EXACT:
            data = int(data)
        if type(data) is not int:
            self.fail("invalid")
        return super().to_internal_value(data)
