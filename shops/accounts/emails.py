"""E-mail addresses that mails can be sent to."""

from typing import Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

MOST_EMAIL: Final = 254


def checked_email(text: str) -> str:
    """Return an address that looks like one in lower case, as we keep it.

    :raises ValidationError: it is too long so, or its domain can't be written as mails need it
    """
    email = text.lower()
    if len(email) > MOST_EMAIL:  # some letters are two in lower case
        raise ValidationError(_("This address is too long."))
    try:
        email.rpartition("@")[2].encode("idna")
    except UnicodeError:
        raise ValidationError(_("There can be no such domain.")) from None
    return email
