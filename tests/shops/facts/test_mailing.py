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
    """A server that refuses some, hangs up over some, goes away at one, and is rude in the end."""

    opened = 0
    is_away = False

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.has_hung_up = False

    def open(self):
        Moody.opened += 1

    def send_messages(self, messages):
        [message] = messages
        name = message.to[0].partition("@")[0]
        Moody.is_away = Moody.is_away or name == "away"
        if Moody.is_away or self.has_hung_up:
            raise SMTPServerDisconnected
        self.has_hung_up = name in ("rude", "spam")
        if name in ("nobody", "rude"):
            raise SMTPRecipientsRefused({message.to[0]: (421, b"go away")})
        if name == "spam":
            raise SMTPServerDisconnected
        return super().send_messages(messages)

    def close(self):
        self.has_hung_up = False
        raise SMTPServerDisconnected


@pytest.fixture(autouse=True)
def moody(settings):
    settings.EMAIL_BACKEND = f"{__name__}.Moody"
    Moody.opened = 0
    Moody.is_away = False


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


@pytest.mark.parametrize("name", ["rude", "spam"])
def test_one_that_the_server_hangs_up_over_keeps_no_other_back(name):
    """However often it is tried: what comes behind it would never be sent."""
    with pytest.raises(NotAll) as those:
        send_each(to(name, "alice", "bob", name, "carol"))
    assert those.value.failed.keys() == {0, 3}
    assert sent() == ["alice", "bob", "carol"]


def test_a_server_that_went_away_is_not_asked_again_and_again():
    with pytest.raises(NotAll) as those:
        send_each(to("alice", "away", "bob", "carol", "dave"))
    assert those.value.failed.keys() == {1, 2, 3, 4}
    assert sent() == ["alice"]
    assert Moody.opened == 3


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
