"""Undoing is once, in time, by who may; and any number of acts and undos ends where it began."""

import contextlib
import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from creators.chat.models import Action, Appeal, Filter, Moderator, Sanction
from creators.chat.moderation import (
    appeals,
    lines,
    moderators,
    queries,
    rules,
    sanctions,
    screening,
    undoing,
)
from creators.chat.moderation.actions import ActionKind
from creators.chat.moderation.filters import Rule
from creators.chat.standing import read_standing
from shops.facts.refused import NotAllowed, NotFound, Refused
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db


def _undo_last(by, now):
    return undoing.undo(action_id=Action.objects.latest("pk").pk, by=by, now=now)


def test_every_kind_knows_its_undo():
    assert set(undoing._UNDO) == set(ActionKind)


def test_an_act_is_undone_once_and_says_who_did_so(show, alice, bob, erin, now):
    sanctions.mute(piece_id=show.pk, user_id=alice.pk, by=erin, now=now)
    undone = _undo_last(bob, now)
    assert (undone.undone_at, undone.undone_by, undone.by) == (now, bob, erin)
    with pytest.raises(undoing.UndoneAlready):
        _undo_last(bob, now)
    assert read_standing(show.pk).mute_of(alice.pk, now=now) is None


def test_a_moderator_undoes_their_own_and_another_moderators_acts_but_not_the_hosts(
    show, alice, bob, erin, frank, now
):
    sanctions.mute(piece_id=show.pk, user_id=alice.pk, by=bob, now=now)
    with pytest.raises(NotAllowed):
        _undo_last(erin, now)
    _undo_last(bob, now)
    sanctions.mute(piece_id=show.pk, user_id=alice.pk, by=erin, now=now)
    _undo_last(frank, now)


def test_what_changed_since_is_not_undone(show, alice, bob, now):
    sanction = sanctions.mute(piece_id=show.pk, user_id=alice.pk, by=bob, now=now)
    muted = Action.objects.get()
    sanctions.mute(piece_id=show.pk, user_id=alice.pk, by=bob, lasts=timedelta(hours=2), now=now)
    with pytest.raises(undoing.TooLate):
        undoing.undo(action_id=muted.pk, by=bob, now=now)
    muted.refresh_from_db()
    assert muted.undone_at is None
    _undo_last(bob, now)
    undoing.undo(action_id=muted.pk, by=bob, now=now)
    sanction.refresh_from_db()
    assert sanction.lifted_at == now


def test_a_lift_is_not_undone_over_a_new_sanction_or_a_new_moderator(show, alice, bob, now, place):
    sanctions.mute(piece_id=show.pk, user_id=alice.pk, by=bob, now=now)
    sanctions.unmute(piece_id=show.pk, user_id=alice.pk, by=bob, now=now)
    lifted = Action.objects.latest("pk")
    again = sanctions.mute(piece_id=show.pk, user_id=alice.pk, by=bob, now=now)
    with pytest.raises(undoing.TooLate):
        undoing.undo(action_id=lifted.pk, by=bob, now=now)
    sanctions.lift(sanction_id=again.pk, by=bob, now=now)
    moderators.add_moderator(place=place, user_id=alice.pk, by=bob, now=now)
    with pytest.raises(undoing.TooLate):
        undoing.undo(action_id=lifted.pk, by=bob, now=now)


def test_what_is_not_there_is_not_found(bob, now):
    with pytest.raises(NotFound):
        undoing.undo(action_id=10**9, by=bob, now=now)


# --- Any sequence -----------------------------------------------------------------------------


class Chat:
    """A show of bob's, with what can be done in it; `which` chooses among what there is."""

    def __init__(self, show, place, say, bob, helpers, now):
        self.show, self.place, self.bob, self.now = show, place, bob, now
        self.users = [UserFactory() for _ in range(2)]
        self.helpers = helpers
        self.lines = [say(user) for user in self.users]

    def tick(self):
        self.now += timedelta(seconds=1)
        return {"by": self.bob, "now": self.now}

    def impose(self, which):
        sanctions.impose(
            kind="mute" if which % 2 else "ban",
            place=self.place if which % 3 else self.place.everywhere,
            user_id=self.users[which % 2].pk,
            lasts=None if which % 5 == 0 else timedelta(minutes=10 + which),
            **self.tick(),
        )

    def lift(self, which):
        found = queries.open_sanctions(place=self.place, now=self.now)
        if found:
            sanctions.lift(sanction_id=found[which % len(found)].pk, **self.tick())

    def set_rules(self, which):
        rules.set_rules(
            place=self.place if which % 2 else self.place.everywhere,
            slow_seconds=which and 3 + which,
            hold_seconds=which % 6,
            followers_only=which % 4 == 0,
            as_default=which % 7 == 1,
            **self.tick(),
        )

    def add_filter(self, which):
        rule = Rule(0, "words", f"lamp{which}", "refuse")
        screening.add_filter(creator_id=self.place.creator_id, rule=rule, **self.tick())

    def remove_filter(self, which):
        found = list(Filter.objects.filter(removed_at=None).order_by("pk"))
        if found:
            screening.remove_filter(filter_id=found[which % len(found)].pk, **self.tick())

    def add_moderator(self, which):
        moderators.add_moderator(
            place=self.place if which % 2 else self.place.everywhere,
            user_id=(self.users + self.helpers)[which % 4].pk,
            **self.tick(),
        )

    def remove_moderator(self, which):
        found = list(Moderator.objects.order_by("pk"))
        if found:
            moderators.remove_moderator(moderator_id=found[which % len(found)].pk, **self.tick())

    def delete(self, which):
        lines.delete_message(message_id=self.lines[which % 2].pk, **self.tick())

    def restore(self, which):
        lines.restore_message(message_id=self.lines[which % 2].pk, **self.tick())

    def answer(self, which):
        found = list(Sanction.objects.filter(lifted_at=None).order_by("pk"))
        if not found:
            return
        sanction = found[which % len(found)]
        appeal = Appeal.objects.filter(sanction=sanction).first() or appeals.appeal(
            sanction_id=sanction.pk, by=sanction.user, text="no", now=self.now
        )
        appeals.answer(appeal_id=appeal.pk, grant=bool(which % 2), words="so", **self.tick())

    def standing(self):
        """All that the acts change, without the numbers that only grow."""
        standing = read_standing(self.show.pk, now=self.now)
        for line in self.lines:
            line.refresh_from_db()
        return {
            "moderators": sorted(Moderator.objects.values_list("piece_id", "user_id"), key=str),
            "mutes": {pk: replace(one, rev=0, appeal="") for pk, one in standing.mutes.items()},
            "bans": {pk: replace(one, rev=0, appeal="") for pk, one in standing.bans.items()},
            "rules": replace(standing.rules, rev=0),
            "words": [standing.judge.judge(f"lamp{number}") is None for number in range(12)],
            "deleted": [line.deleted_at for line in self.lines],
        }


ACTS = [name for name in vars(Chat) if name not in ("tick", "standing") and name[0] != "_"]


SOME_ACTS = st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 11)), min_size=3, max_size=8)


def _end_where_they_began(show, place, say, bob, erin, now, acts):
    with transaction.atomic():
        chat = Chat(show, place, say, bob, [erin, UserFactory()], now)
        # What was there before.
        for name, which in (("impose", 1), ("add_filter", 2), ("set_rules", 5)):
            getattr(chat, name)(which)
        first = Action.objects.latest("pk").pk
        began = chat.standing()
        for name, which in acts:
            with contextlib.suppress(Refused), transaction.atomic():
                getattr(chat, name)(which)
        for action in Action.objects.filter(pk__gt=first).order_by("-pk"):
            undoing.undo(action_id=action.pk, by=bob, now=chat.now)
        assert chat.standing() == began
        transaction.set_rollback(True)


def _many(count):
    return settings(
        max_examples=count,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )


@_many(8)
@given(acts=SOME_ACTS)
def test_acts_and_then_their_undos_end_where_they_began(show, place, say, bob, erin, now, acts):
    _end_where_they_began(show, place, say, bob, erin, now, acts)


@pytest.mark.campaign
@_many(200)
@given(acts=SOME_ACTS)
def test_many_acts_and_then_their_undos(show, place, say, bob, erin, now, acts):
    _end_where_they_began(show, place, say, bob, erin, now, acts)


@pytest.mark.django_db(transaction=True)
def test_of_many_who_undo_at_once_one_does(show, alice, bob, now, monkeypatch):
    """Without the creator's lock, too: the row itself says who came first."""
    sanctions.mute(piece_id=show.pk, user_id=alice.pk, by=bob, now=now)
    action = Action.objects.get()
    monkeypatch.setattr(undoing, "lock", lambda place: None)
    barrier = threading.Barrier(4)
    answers = []

    def undo():
        try:
            barrier.wait()
            undoing.undo(action_id=action.pk, by=bob, now=now)
            answers.append("done")
        except Refused as refused:
            answers.append(refused.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=undo) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["done", "undone_already", "undone_already", "undone_already"]
    assert Sanction.objects.get().rev == 2
