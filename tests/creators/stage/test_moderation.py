"""Who is told what of moderation, and that all processes judge their sockets anew."""

import uuid
from datetime import timedelta

import pytest

from creators.chat.models import Action, Message
from creators.chat.moderation import (
    appeals,
    blocklists,
    lines,
    moderators,
    rules,
    sanctions,
    undoing,
)
from creators.chat.moderation.authority import place_of
from creators.stage import mods_state, publishing, wire
from tests.factories.creators import CreatorFactory, LiveSessionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def bobs(bob):
    """Bob's show that is live, and others of his and not his."""
    show = LiveSessionFactory(piece__creator=bob.creator)
    show.planned = LiveSessionFactory(piece__creator=bob.creator, state="scheduled")
    show.old = LiveSessionFactory(
        piece__creator=bob.creator,
        state="ended",
        ended_at=show.scheduled_at - timedelta(days=3),
    )
    LiveSessionFactory()
    return show


@pytest.fixture
def told(monkeypatch, django_capture_on_commit_callbacks):
    """told(work) does it and lists (room, event) and the control messages that followed."""

    def watch(work):
        events, controls, renewed = [], [], []
        with monkeypatch.context() as patch:
            patch.setattr(
                publishing, "publish", lambda room, some: events.extend((room, e) for e in some)
            )
            patch.setattr(publishing, "control", controls.append)
            patch.setattr(publishing, "renew", renewed.append)
            with django_capture_on_commit_callbacks(execute=True):
                work()
        return events, controls, renewed

    return watch


def _rooms(events, kind):
    return {room for room, event in events if isinstance(event, kind)}


def test_a_mute_is_told_to_its_user_and_the_moderators_of_the_show(told, bobs, alice, bob, now):
    events, controls, _ = told(
        lambda: sanctions.mute(
            piece_id=bobs.pk, user_id=alice.pk, by=bob, reason="be kind", now=now
        )
    )
    assert _rooms(events, wire.Sanction) == {f"me:{alice.pk}", f"mods:{bobs.pk}"}
    card = next(event.sanction for _room, event in events if isinstance(event, wire.Sanction))
    assert (card.kind, card.scope, card.reason, card.name) == ("mute", "show", "be kind", "Alice")
    assert _rooms(events, wire.Action) == {f"mods:{bobs.pk}"}
    assert controls == [{"kind": "standing", "piece_id": bobs.pk}]


def test_a_wider_ban_is_told_in_all_shows_that_are_not_long_over(told, bobs, alice, bob, now):
    events, controls, _ = told(
        lambda: sanctions.ban(piece_id=bobs.pk, user_id=alice.pk, by=bob, scope="creator", now=now)
    )
    shows = [bobs.pk, bobs.planned.pk]
    assert _rooms(events, wire.Sanction) == {f"me:{alice.pk}", *(f"mods:{pk}" for pk in shows)}
    assert [control["piece_id"] for control in controls] == shows


def test_whose_line_is_not_shown_is_told_and_when_it_waits_again(told, bobs, alice, bob, now):
    line = Message.objects.create(
        piece=bobs.piece,
        author=alice,
        client_id=uuid.uuid4(),
        body="Hm",
        sent_at=now,
        state="withheld",
    )
    doing = {"message_id": line.pk, "by": bob, "now": now}
    events, _, _ = told(lambda: lines.judge_line(show=False, **doing))
    assert _rooms(events, wire.Judged) == {f"me:{alice.pk}"}
    assert (f"me:{alice.pk}", wire.Judged(id=line.pk, rev=1, state="rejected")) in events
    events, _, _ = told(lambda: undoing.undo(action_id=Action.objects.get().pk, by=bob, now=now))
    assert (f"me:{alice.pk}", wire.Judged(id=line.pk, rev=2, state="withheld")) in events
    events, _, _ = told(lambda: lines.judge_line(show=True, **doing))
    assert _rooms(events, wire.Judged) == set()
    assert _rooms(events, wire.Chat) == {f"live:{bobs.pk}"}


def test_rules_are_told_to_everybody_and_those_of_all_shows_in_each(told, bobs, bob, now):
    place = place_of(bobs.pk)
    events, _, _ = told(lambda: rules.set_rules(place=place, by=bob, now=now, slow_seconds=10))
    assert _rooms(events, wire.ChatRules) == {f"live:{bobs.pk}"}
    events, _, _ = told(
        lambda: rules.set_rules(place=place.everywhere, by=bob, now=now, slow_seconds=60)
    )
    said = {
        room: event.rules.slow_seconds
        for room, event in events
        if isinstance(event, wire.ChatRules)
    }
    assert said == {f"live:{bobs.pk}": 10, f"live:{bobs.planned.pk}": 60}


def test_a_new_moderator_is_judged_anew(told, bobs, alice, bob, now):
    place = place_of(bobs.pk)
    _, controls, _ = told(
        lambda: moderators.add_moderator(place=place, user_id=alice.pk, by=bob, now=now)
    )
    assert controls == [{"kind": "standing", "piece_id": bobs.pk}]


def test_an_undo_is_told_as_a_newer_card_of_the_same_action(told, bobs, alice, bob, now):
    sanctions.mute(piece_id=bobs.pk, user_id=alice.pk, by=bob, now=now)
    action = Action.objects.get()
    events, _, _ = told(lambda: undoing.undo(action_id=action.pk, by=bob, now=now))
    card = next(event.action for _room, event in events if isinstance(event, wire.Action))
    assert (card.id, card.rev, card.undone, card.can_undo) == (action.pk, 2, True, False)
    lifted = next(event.sanction for _room, event in events if isinstance(event, wire.Sanction))
    assert lifted.lifted


def test_appeals_go_to_the_moderators_and_their_state_to_the_user(told, bobs, alice, bob, now):
    sanction = sanctions.mute(piece_id=bobs.pk, user_id=alice.pk, by=bob, now=now)
    events, _, _ = told(
        lambda: appeals.appeal(sanction_id=sanction.pk, by=alice, text="sorry", now=now)
    )
    assert _rooms(events, wire.Appeal) == {f"mods:{bobs.pk}"}
    own = [event for room, event in events if room == f"me:{alice.pk}"]
    assert [event.sanction.appeal for event in own] == ["open"]


def test_a_block_list_is_one_fresh_state_instead_of_an_event_for_each(told, bobs, alice, bob, now):
    other = CreatorFactory()
    elsewhere = LiveSessionFactory(piece__creator=other)
    sanctions.ban(piece_id=bobs.pk, user_id=alice.pk, by=bob, scope="creator", now=now)
    listed = blocklists.parse(blocklists.export(creator=bob.creator, by=bob, now=now))
    events, controls, renewed = told(
        lambda: blocklists.take_in(creator_id=other.pk, listed=listed, by=other.user, now=now)
    )
    assert not _rooms(events, wire.Sanction)
    assert renewed == [f"mods:{elsewhere.pk}"]
    assert {control["piece_id"] for control in controls} == {elsewhere.pk}


def test_the_moderators_state_has_what_is_open_and_what_was_done(bobs, alice, bob, now):
    sanction = sanctions.mute(piece_id=bobs.pk, user_id=alice.pk, by=bob, now=now)
    appeals.appeal(sanction_id=sanction.pk, by=alice, text="sorry", now=now)
    state = mods_state.mods_state(bobs.pk, now=now)
    assert [card.id for card in state.sanctions] == [sanction.pk]
    assert [card.text for card in state.appeals] == ["sorry"]
    assert [card.kind for card in state.actions] == ["mute"]
    assert mods_state.mods_state(bobs.pk, now=sanction.until).sanctions == []
