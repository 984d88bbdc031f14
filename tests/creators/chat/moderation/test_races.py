"""Two things at once: each waits for the other where it must, and nobody in a circle."""

import threading
import time
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction

from creators.chat import pinning
from creators.chat.models import ChatRules, Message, MessageState, PinnedLine
from creators.chat.moderation import appeals, lines, sanctions
from creators.chat.posting import post_message
from shops.facts.refused import NotFound

pytestmark = pytest.mark.django_db(transaction=True)


class Beside(threading.Thread):
    """Does something in a connection of its own, and keeps what it raised."""

    def __init__(self, work):
        super().__init__()
        self.work = work
        self.raised = None

    def run(self):
        try:
            self.work()
        except Exception as error:
            self.raised = error
        finally:
            connection.close()

    def start_and_wait_for_its_lock(self):
        self.start()
        until = time.monotonic() + 5
        while self.is_alive() and time.monotonic() < until:
            with connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
                if cursor.fetchone()[0]:
                    return
            time.sleep(0.01)


def test_a_line_that_is_written_while_its_author_is_banned_is_never_shown(show, alice, bob):
    now = datetime.now(UTC)
    ChatRules.objects.create(creator=bob.creator, hold_seconds=5)
    ban = Beside(lambda: sanctions.ban(piece_id=show.pk, user_id=alice.pk, by=bob, now=now))
    with transaction.atomic():
        post_message(piece_id=show.pk, author=alice, client_id=uuid.uuid4(), body="x", now=now)
        ban.start_and_wait_for_its_lock()
    ban.join(10)
    assert ban.raised is None
    assert Message.objects.get().state == MessageState.REJECTED


def test_who_pins_a_line_that_is_just_deleted_waits_and_finds_none(show, alice, bob, erin, now):
    message = Message.objects.create(
        piece=show.piece, author=alice, client_id=uuid.uuid4(), body="x", sent_at=now
    )
    kept = Message.objects.create(
        piece=show.piece, author=alice, client_id=uuid.uuid4(), body="y", sent_at=now
    )
    pinning.pin_line(piece_id=show.pk, message_id=kept.pk, by=bob, now=now)
    later = now + timedelta(seconds=1)
    pin = Beside(
        lambda: pinning.pin_line(piece_id=show.pk, message_id=message.pk, by=erin, now=later)
    )
    with transaction.atomic():
        found, _place = lines._found(message.pk)
        pin.start_and_wait_for_its_lock()
        lines.take_out(found, by=bob, now=now)
        PinnedLine.objects.select_for_update().get()
    pin.join(10)
    assert isinstance(pin.raised, NotFound)
    assert PinnedLine.objects.get().message == kept


def test_who_appeals_while_the_sanction_is_lifted_is_told_that_it_ended(show, alice, bob, now):
    held = sanctions.ban(piece_id=show.pk, user_id=alice.pk, by=bob, now=now)
    appeal = Beside(
        lambda: appeals.appeal(sanction_id=held.pk, by=alice, text="I was not rude.", now=now)
    )
    with transaction.atomic():
        sanctions.lift(sanction_id=held.pk, by=bob, now=now)
        appeal.start_and_wait_for_its_lock()
    appeal.join(10)
    assert isinstance(appeal.raised, appeals.NothingToAppeal)
    held.refresh_from_db()
    assert held.rev == 2
