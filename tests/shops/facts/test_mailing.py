"""Mails that go together: one that can't be sent keeps no other one back, none is sent twice."""

from functools import partial
from smtplib import SMTPRecipientsRefused, SMTPServerDisconnected

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from django.core.mail.backends.locmem import EmailBackend

from shops.facts.mailing import send_each, send_one
from shops.facts.reacting import NotAll


class Moody(EmailBackend):
    """A server that refuses one address, goes away at another, and is rude in the end."""

    opened = 0

    def open(self):
        Moody.opened += 1

    def send_messages(self, messages):
        [message] = messages
        if message.to == ["nobody@example.com"]:
            raise SMTPRecipientsRefused({})
        if message.to == ["away@example.com"]:
            raise SMTPServerDisconnected
        return super().send_messages(messages)

    def close(self):
        raise SMTPServerDisconnected


@pytest.fixture(autouse=True)
def moody(settings):
    settings.EMAIL_BACKEND = f"{__name__}.Moody"
    Moody.opened = 0


def to(*names):
    return {
        number: partial(EmailMessage, f"About {number}", "…", to=[f"{name}@example.com"])
        for number, name in enumerate(names)
    }


def sent():
    return [message.to[0].partition("@")[0] for message in mail.outbox]


def test_a_refused_address_keeps_no_other_back():
    with pytest.raises(NotAll) as those:
        send_each(to("alice", "nobody", "bob"))
    assert those.value.failed.keys() == {1}
    assert sent() == ["alice", "bob"]


def test_a_server_that_went_away_is_not_asked_again():
    with pytest.raises(NotAll) as those:
        send_each(to("alice", "away", "bob", "carol"))
    assert those.value.failed.keys() == {1, 2, 3}
    assert sent() == ["alice"]
    assert Moody.opened == 2


def test_one_that_cannot_be_written_keeps_no_other_back():
    letters = to("alice", "bob")

    def fail():
        raise ZeroDivisionError

    with pytest.raises(NotAll) as those:
        send_each({**letters, 0: fail, 5: lambda: None})
    assert those.value.failed.keys() == {0}
    assert sent() == ["bob"]


def test_one_alone_says_what_happened():
    with pytest.raises(SMTPRecipientsRefused):
        send_one(7, to("nobody")[0])
    send_one(7, to("alice")[0])
    assert sent() == ["alice"]
