"""Mails of several facts by one connection: one that can't be sent keeps no other one back."""

import contextlib
from collections.abc import Callable, Mapping
from smtplib import SMTPDataError, SMTPRecipientsRefused, SMTPSenderRefused
from typing import Final

from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend

from shops.facts.reacting import NotAll

# Who dies over mails that are sent has some of these sent again: they have the same Message-ID.
AT_MOST: Final = 20
# The server is there all the same.
_THIS_ONE: Final = (SMTPRecipientsRefused, SMTPSenderRefused, SMTPDataError)


def send_each(letters: Mapping[int, Callable[[], EmailMessage | None]]) -> None:
    """Write and send a mail about each event, by its id; None: nobody is to be told.

    :raises NotAll: some were not sent
    """
    failed: dict[int, Exception] = {}
    done = set[int]()
    is_away = False
    server = get_connection()
    try:
        for event_id, write in letters.items():
            try:
                if letter := write():
                    server.open()
                    server.send_messages([letter])
                    is_away = False
            except Exception as error:
                failed[event_id] = error
                # It may have hung up over this one: the next one is told to it anew.
                _hang_up(server)
                was_away = is_away
                is_away = isinstance(error, OSError) and not isinstance(error, _THIS_ONE)
                if was_away and is_away:
                    # Nobody waits for it again and again.
                    failed |= dict.fromkeys(letters.keys() - done, error)
                    break
            done.add(event_id)
    finally:
        _hang_up(server)
    if failed:
        raise NotAll(failed)


def _hang_up(server: BaseEmailBackend) -> None:
    # What was sent was sent, whatever the server says in the end.
    with contextlib.suppress(OSError):
        server.close()


def send_one(event_id: int, write: Callable[[], EmailMessage | None]) -> None:
    """Write and send the mail about one event.

    :raises Exception: it was not sent
    """
    try:
        send_each({event_id: write})
    except NotAll as those:
        raise those.failed[event_id] from None
