from datetime import timedelta

import pytest

from creators.chat import pinning, queries
from creators.chat.models import Action, MessageState, PinnedLine
from creators.chat.moderation import lines, undoing
from shops.facts.models import Event
from shops.facts.refused import NotAllowed, NotFound

pytestmark = pytest.mark.django_db


def _delete(message, by, now, **more):
    return lines.delete_message(message_id=message.pk, by=by, now=now, **more)


def test_the_host_deletes_a_line_and_its_row_stays(show, alice, bob, now, say):
    message = say(alice)
    _delete(message, bob, now, reason="spoiler")
    message.refresh_from_db()
    assert (message.deleted_at, message.deleted_by, message.rev) == (now, bob, 1)
    assert list(queries.last_messages(piece_id=show.pk)) == []
    assert Event.objects.filter(kind="ChatDeleted").count() == 1
    action = Action.objects.get()
    assert (action.kind, action.by, action.subject, action.reason) == (
        "delete",
        bob,
        alice,
        "spoiler",
    )


def test_authors_delete_their_own_without_the_log(show, alice, now, say):
    message = say(alice)
    _delete(message, alice, now)
    assert list(queries.last_messages(piece_id=show.pk)) == []
    assert not Action.objects.exists()


def test_another_viewer_may_not_delete(alice, dave, now, say):
    with pytest.raises(NotAllowed):
        _delete(say(alice), dave, now)


def test_deleting_twice_changes_nothing(alice, bob, now, say):
    message = say(alice)
    _delete(message, bob, now)
    _delete(message, bob, now + timedelta(seconds=1))
    message.refresh_from_db()
    assert message.deleted_at == now
    assert Action.objects.count() == 1


def test_a_line_that_does_not_exist_is_not_found(bob, now):
    with pytest.raises(NotFound):
        lines.delete_message(message_id=10**9, by=bob, now=now)


def test_a_moderator_brings_a_deleted_line_back_at_a_higher_rev(show, alice, erin, frank, now, say):
    message = say(alice)
    _delete(message, frank, now)
    with pytest.raises(NotAllowed):
        lines.restore_message(message_id=message.pk, by=erin, now=now)
    lines.restore_message(message_id=message.pk, by=frank, now=now)
    message.refresh_from_db()
    assert (message.deleted_at, message.rev) == (None, 2)
    assert [one.pk for one in queries.last_messages(piece_id=show.pk)] == [message.pk]
    assert Event.objects.filter(kind="ChatRestored").count() == 1


def test_an_author_does_not_undo_a_moderator(alice, bob, now, say):
    message = say(alice)
    _delete(message, bob, now)
    with pytest.raises(NotAllowed):
        lines.restore_message(message_id=message.pk, by=alice, now=now)


def test_what_its_author_took_back_stays_deleted(alice, bob, now, say):
    message = say(alice)
    _delete(message, alice, now)
    with pytest.raises(lines.NotDeleted):
        lines.restore_message(message_id=message.pk, by=bob, now=now)


def test_a_deleted_line_is_not_pinned_any_more(show, alice, bob, now, say):
    message = say(alice)
    pinning.pin_line(piece_id=show.pk, message_id=message.pk, by=bob, now=now)
    _delete(message, bob, now)
    assert PinnedLine.objects.get().message is None


def test_a_waiting_line_is_judged_once(show, alice, bob, erin, now, say):
    held = say(alice, state=MessageState.WITHHELD, why="filter:lamp")
    lines.judge_line(message_id=held.pk, show=True, by=erin, now=now)
    held.refresh_from_db()
    assert (held.state, held.shown_at) == (MessageState.SHOWN, now)
    with pytest.raises(lines.holding.JudgedAlready):
        lines.judge_line(message_id=held.pk, show=False, by=bob, now=now)


def test_a_rejection_is_undone_and_the_line_waits_again(alice, bob, now, say):
    held = say(alice, state=MessageState.HELD, shown_at=now)
    lines.judge_line(message_id=held.pk, show=False, by=bob, now=now)
    undoing.undo(action_id=Action.objects.get().pk, by=bob, now=now)
    held.refresh_from_db()
    assert held.state == MessageState.WITHHELD


def test_a_line_that_was_let_through_is_taken_out_by_its_undo(show, alice, bob, now, say):
    held = say(alice, state=MessageState.WITHHELD)
    lines.judge_line(message_id=held.pk, show=True, by=bob, now=now)
    undoing.undo(action_id=Action.objects.get().pk, by=bob, now=now)
    assert list(queries.last_messages(piece_id=show.pk)) == []


def test_a_moderator_does_not_bring_back_what_the_host_deleted(alice, bob, erin, frank, now, say):
    message = say(alice)
    _delete(message, bob, now)
    for by in (erin, frank):
        with pytest.raises(NotAllowed):
            lines.restore_message(message_id=message.pk, by=by, now=now)
    message.refresh_from_db()
    assert message.deleted_by == bob


def test_a_moderator_does_not_delete_what_somebody_above_them_wrote(bob, erin, frank, now, say):
    for author, by in ((bob, erin), (bob, frank), (frank, erin)):
        with pytest.raises(NotAllowed):
            _delete(say(author), by, now)
    assert _delete(say(erin), frank, now).deleted_by == frank
