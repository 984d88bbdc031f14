import threading
import uuid
from datetime import timedelta

import pytest
from django.db import connection

from creators.chat import limits, posting, words, writers
from creators.chat.models import Message
from creators.live.models import LiveSession, ShowState
from shops.facts.models import Event
from shops.facts.refused import Refused
from tests.factories.accounts import UserFactory


def _post(show, author, body="hello", *, now, client_id=None):
    return posting.post_message(
        piece_id=show.pk, author=author, client_id=client_id or uuid.uuid4(), body=body, now=now
    )


def test_a_line_is_kept_and_told(show, alice, now):
    message = _post(show, alice, "  so   pretty ", now=now)
    assert (message.body, message.sent_at) == ("so pretty", now)
    fact = Event.objects.get()
    assert (fact.kind, fact.payload["message_ids"]) == ("ChatPosted", [message.pk])


def test_the_same_client_id_again_is_the_same_message(show, alice, now):
    client_id = uuid.uuid4()
    first = _post(show, alice, now=now, client_id=client_id)
    again = _post(show, alice, "something else", now=now, client_id=client_id)
    assert again == first
    assert Message.objects.get().body == "hello"
    # It may be told twice: who has it already sees no difference.
    assert {tuple(fact.payload["message_ids"]) for fact in Event.objects.all()} == {(first.pk,)}


def test_the_same_client_id_of_another_author_is_another_message(show, alice, erin, now):
    client_id = uuid.uuid4()
    _post(show, alice, now=now, client_id=client_id)
    _post(show, erin, now=now, client_id=client_id)
    assert Message.objects.count() == 2


@pytest.mark.parametrize(
    "body",
    ["", "   ", "\n\t", "\x00", "\u202e\u200b", "\u200d \u200c", "\ufe0f", "\u3164", "\u2800"],
)
def test_an_empty_line_is_refused(show, alice, now, body):
    with pytest.raises(words.EmptyMessage):
        _post(show, alice, body, now=now)
    assert not Message.objects.exists()


def test_a_line_of_300_characters_is_the_longest(show, alice, now):
    assert len(_post(show, alice, "x" * 300, now=now).body) == 300
    with pytest.raises(words.MessageTooLong):
        _post(show, alice, "x" * 301, now=now)


def test_html_stays_the_text_that_it_is(show, alice, now):
    html = "<script>alert(1)</script> & <b>bold</b>"
    assert _post(show, alice, html, now=now).body == html


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("two\nlines\r\nhere", "two lines here"),
        ("nul\x00 bell\x07", "nul bell"),
        ("\u202eevil", "evil"),
        ("family 👨\u200d👩\u200d👧", "family 👨\u200d👩\u200d👧"),
        ("ciao è bello", "ciao è bello"),
    ],
)
def test_control_characters_are_removed(show, alice, now, typed, kept):
    assert _post(show, alice, typed, now=now).body == kept


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Z" + "\u0334\u0322\u035b" * 30 + "!", "Z\u0334\u0322\u035b\u0334\u0322!"),
        ("\u05d1\u05bc\u05b0\u0591", "\u05d1\u05bc\u05b0\u0591"),
    ],
    ids=["piled", "hebrew"],
)
def test_marks_do_not_pile_up_over_other_lines(typed, kept):
    assert words.clean(typed) == kept


@pytest.mark.parametrize("state", [ShowState.SCHEDULED, ShowState.ENDED, ShowState.CANCELLED])
def test_the_chat_is_open_while_the_show_is_live_only(show, alice, now, state):
    LiveSession.objects.update(state=state)
    with pytest.raises(writers.ChatClosed):
        _post(show, alice, now=now)


def test_the_sixth_line_in_ten_seconds_is_refused_and_says_how_long_to_wait(show, alice, now):
    for second in range(limits.LINES):
        _post(show, alice, f"line {second}", now=now + timedelta(seconds=second))
    with pytest.raises(limits.TooFast) as refused:
        _post(show, alice, "the sixth", now=now + timedelta(seconds=6))
    assert refused.value.extra == {"retry_after": 4}
    assert "4" in str(refused.value)
    _post(show, alice, "the sixth", now=now + timedelta(seconds=10))


def test_one_writers_speed_does_not_limit_another(show, alice, erin, now):
    for number in range(limits.LINES):
        _post(show, alice, f"line {number}", now=now)
    _post(show, erin, now=now)


@pytest.mark.django_db(transaction=True)
def test_ten_tabs_at_once_do_not_pass_the_limit(show, alice, now):
    barrier = threading.Barrier(10)
    refused = []

    def post():
        try:
            barrier.wait()
            _post(show, alice, f"line {uuid.uuid4()}", now=now)
        except Refused as refusal:
            refused.append(refusal.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=post) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Message.objects.count() == limits.LINES
    assert refused == ["too_fast"] * 5


@pytest.mark.django_db(transaction=True)
def test_control_without_the_authors_lock_the_limit_is_passed(show, alice, now, monkeypatch):
    all_looked = threading.Barrier(7)
    look = limits.Recent.check_speed

    def look_then_meet(self, **kwargs):
        look(self, **kwargs)
        all_looked.wait(timeout=10)

    monkeypatch.setattr(limits, "locks_of", lambda author_ids: [])
    monkeypatch.setattr(limits.Recent, "check_speed", look_then_meet)

    def post():
        try:
            _post(show, alice, f"line {uuid.uuid4()}", now=now)
        finally:
            connection.close()

    threads = [threading.Thread(target=post) for _ in range(7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Message.objects.count() == 7


@pytest.mark.django_db(transaction=True)
def test_a_line_that_postgresql_does_not_take_is_our_fault(show, now, caplog):
    with pytest.raises(posting.NotTaken):
        _post(show, UserFactory.build(pk=10**9), now=now)
    assert not Message.objects.exists()
    assert str(10**9) in caplog.text
