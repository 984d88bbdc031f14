"""Where everybody stands, read together and kept for a moment."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from creators.chat.kept import KEEP_SECONDS, Standings
from creators.chat.models import ChatRules, Moderator, Sanction
from creators.chat.standing import Rules, read_standing, read_standings
from shops.facts.refused import NotFound
from tests.factories.accounts import UserFactory
from tests.factories.creators import LiveSessionFactory


def sanction(show, user, bob, now, **more):
    fields = {"kind": "mute", "piece": show.piece, "at": now, **more}
    return Sanction.objects.create(creator=show.piece.creator, user=user, by=bob, **fields)


def test_roles(show, alice, bob, erin, olga, now):
    Moderator.objects.create(creator=bob.creator, user=erin, added_by=bob, at=now)
    standing = read_standing(show.pk, now=now)
    assert standing.role_of(None) == "guest"
    assert standing.role_of(alice.pk) == "viewer"
    assert standing.role_of(erin.pk) == "moderator"
    assert standing.role_of(bob.pk) == "host"
    assert standing.role_of(olga.pk, is_operator=True) == "moderator"


def test_a_moderator_of_one_show_is_none_in_another(show, bob, erin, now):
    other = LiveSessionFactory(piece__creator=bob.creator)
    Moderator.objects.create(creator=bob.creator, piece=show.piece, user=erin, added_by=bob, at=now)
    found = read_standings([show.pk, other.pk], now=now)
    assert {pk: one.moderates(erin.pk) for pk, one in found.items()} == {
        show.pk: True,
        other.pk: False,
    }


def test_of_several_sanctions_the_longest_counts(show, alice, bob, now):
    sanction(show, alice, bob, now, until=now + timedelta(minutes=5))
    longest = sanction(show, alice, bob, now, until=now + timedelta(hours=2))
    sanction(show, alice, bob, now, until=now + timedelta(hours=1))
    assert read_standing(show.pk, now=now).mute_of(alice.pk, now=now).id == longest.pk
    endless = sanction(show, alice, bob, now)
    everywhere = sanction(show, alice, bob, now, piece=None)
    assert read_standing(show.pk, now=now).mute_of(alice.pk, now=now).id == everywhere.pk
    everywhere.lifted_at = now
    everywhere.save()
    assert read_standing(show.pk, now=now).mute_of(alice.pk, now=now).id == endless.pk


def test_a_sanction_ends_by_itself_however_long_ago_it_was_read(show, alice, bob, now):
    sanction(show, alice, bob, now, kind="ban", until=now + timedelta(seconds=1))
    standing = read_standing(show.pk, now=now)
    assert standing.ban_of(alice.pk, now=now).reason == ""
    assert standing.ban_of(alice.pk, now=now + timedelta(seconds=1)) is None
    assert standing.mute_of(alice.pk, now=now) is None


def test_only_those_asked_for_are_read(show, alice, erin, bob, now):
    for who in (alice, erin):
        sanction(show, who, bob, now)
    assert set(read_standing(show.pk, now=now, of=[erin.pk]).mutes) == {erin.pk}


def test_a_shows_rules_go_before_its_creators_and_their_rev_only_grows(show, bob, now):
    assert read_standing(show.pk, now=now).rules == Rules()
    first = ChatRules.objects.create(creator=bob.creator, slow_seconds=30, rev=4)
    assert read_standing(show.pk, now=now).rules == Rules(slow_seconds=30, rev=4)
    own = ChatRules.objects.create(creator=bob.creator, piece=show.piece, hold_seconds=2)
    assert read_standing(show.pk, now=now).rules == Rules(hold_seconds=2, rev=5)
    own.as_default, own.rev = True, 2
    own.save()
    assert read_standing(show.pk, now=now).rules == Rules(slow_seconds=30, rev=6)
    assert first.piece is None


def test_many_shows_take_as_many_queries_as_one(bob, now, django_assert_max_num_queries):
    shows = LiveSessionFactory.create_batch(5)
    for show in shows:
        for who in UserFactory.create_batch(3):
            sanction(show, who, bob, now)
    for at_most in (6, 5):
        with django_assert_max_num_queries(at_most):
            found = read_standings([show.pk for show in shows], now=now)
    assert [len(one.mutes) for one in found.values()] == [3] * 5


def test_a_piece_that_is_not_there(db, now):
    with pytest.raises(NotFound):
        read_standing(10**9, now=now)


class Reads:
    def __init__(self):
        self.count = 0

    def __call__(self, piece_id):
        self.count += 1
        return f"standing {self.count}"


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 100.0

    monkeypatch.setattr("creators.chat.kept.time.monotonic", lambda: Clock.now)
    return Clock


def test_it_is_kept_for_a_moment_or_until_it_is_to_be_forgotten(clock):
    standings = Standings(Reads())
    assert standings.kept(1) is None
    assert standings.of(1) == standings.of(1) == standings.kept(1) == "standing 1"
    clock.now += KEEP_SECONDS
    assert standings.kept(1) is None
    assert standings.of(1) == "standing 2"
    standings.forget(1)
    assert standings.kept(1) is None
    assert standings.of(1) == "standing 3"


def test_what_was_read_before_it_was_to_be_forgotten_is_not_kept(clock):
    def read(piece_id):
        standings.forget(piece_id)
        return "old"

    standings = Standings(read)
    assert standings.of(1) == "old"
    assert standings.kept(1) is None


def test_thousands_of_bans_are_read_once_and_again_when_one_of_them_changes(
    show, alice, bob, dave, now
):
    other = LiveSessionFactory(piece__creator=bob.creator)
    everywhere = sanction(show, alice, bob, now, kind="ban", piece=None)
    sanction(show, dave, bob, now, until=now + timedelta(minutes=5))
    first, beside = (read_standing(one.pk, now=now) for one in (show, other))

    with CaptureQueriesContext(connection) as read_again:
        again = read_standing(show.pk, now=now)
    assert again.bans is first.bans
    assert again.mutes is first.mutes
    assert not any("display_name" in query["sql"] for query in read_again)
    assert beside.ban_of(alice.pk, now=now) == first.ban_of(alice.pk, now=now)

    Sanction.objects.filter(pk=everywhere.pk).update(reason="spam", rev=2)
    assert read_standing(show.pk, now=now).bans[alice.pk].reason == "spam"
    assert read_standing(other.pk, now=now).bans[alice.pk].reason == "spam"
    Sanction.objects.filter(pk=everywhere.pk).update(lifted_at=now)
    assert read_standing(show.pk, now=now).bans == {}
    assert set(read_standing(show.pk, now=now).mutes) == {dave.pk}
    assert read_standing(show.pk, now=now + timedelta(minutes=6)).mutes == {}
    assert first.bans.keys() == {alice.pk}
