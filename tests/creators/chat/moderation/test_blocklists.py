import json
from datetime import timedelta

import pytest

from creators.chat import holding
from creators.chat.models import Action, Filter, MessageState, Sanction
from creators.chat.moderation import blocklists, sanctions, screening, undoing
from creators.chat.moderation.authority import place_of_creator
from creators.chat.moderation.filters import Rule
from tests.factories.accounts import UserFactory
from tests.factories.creators import CreatorFactory, LiveSessionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def listed(bob, show, alice, dave, now):
    """Bob's list: alice for good, dave for two hours, one filter."""
    sanctions.ban(
        piece_id=show.pk, user_id=alice.pk, by=bob, scope="creator", reason="spam", now=now
    )
    sanctions.ban(
        piece_id=show.pk,
        user_id=dave.pk,
        by=bob,
        scope="creator",
        lasts=timedelta(hours=2),
        now=now,
    )
    # Of one show: not for others.
    sanctions.ban(piece_id=show.pk, user_id=UserFactory().pk, by=bob, now=now)
    screening.add_filter(
        creator_id=bob.creator.pk, rule=Rule(0, "pattern", "(?i)lamp", "refuse"), by=bob, now=now
    )
    return blocklists.export(creator=bob.creator, by=bob, now=now)


@pytest.fixture
def other(db):
    return CreatorFactory()


def test_a_list_names_people_by_number_and_name_and_by_nothing_else(listed, alice, dave):
    said = json.loads(listed)
    assert (said["format"], said["version"], said["creator"]) == ("liveshop-block-list", 1, "bob")
    assert [(ban["user"], ban["name"], ban["reason"]) for ban in said["bans"]] == [
        (alice.pk, "Alice", "spam"),
        (dave.pk, "Dave", ""),
    ]
    assert "@" not in listed.decode()


def test_what_was_given_can_be_taken(listed, other, alice, dave, now):
    parsed = blocklists.parse(listed)
    look = blocklists.preview(creator_id=other.pk, listed=parsed, now=now)
    assert [user for _ban, user in look.new] == [alice, dave]
    assert (look.banned, look.unknown, look.protected, len(look.new_filters)) == (0, 0, 0, 1)
    assert not Sanction.objects.filter(creator=other).exists()
    blocklists.take_in(creator_id=other.pk, listed=parsed, by=other.user, now=now)
    taken = Sanction.objects.filter(creator=other, piece=None, kind="ban")
    assert {one.user_id for one in taken} == {alice.pk, dave.pk}
    assert Filter.objects.get(creator=other).text == "(?i)lamp"
    again = blocklists.take_in(creator_id=other.pk, listed=parsed, by=other.user, now=now)
    assert again is None


def test_taking_a_list_is_undone_as_a_whole(listed, other, alice, now):
    action = blocklists.take_in(
        creator_id=other.pk, listed=blocklists.parse(listed), by=other.user, now=now
    )
    undoing.undo(action_id=action.pk, by=other.user, now=now)
    assert not Sanction.objects.filter(creator=other, lifted_at=None).exists()
    assert not Filter.objects.filter(creator=other, removed_at=None).exists()


def test_moderators_the_host_and_operators_are_left_alone(listed, other, alice, dave, olga, now):
    from creators.chat.moderation import moderators

    place = place_of_creator(other.pk)
    moderators.add_moderator(place=place, user_id=alice.pk, by=other.user, now=now)
    said = json.loads(listed)
    said["bans"] += [
        {"user": olga.pk, "name": "Olga"},
        {"user": other.user_id, "name": "Me"},
        {"user": 10**12, "name": "Nobody"},
        {"user": UserFactory().pk, "name": "Past", "until": "2020-01-01T00:00:00Z"},
    ]
    parsed = blocklists.parse(json.dumps(said).encode())
    look = blocklists.preview(creator_id=other.pk, listed=parsed, now=now)
    assert [user for _ban, user in look.new] == [dave]
    assert (look.protected, look.unknown, look.ended) == (3, 1, 1)


def test_the_numbers_of_another_site_mean_nobody_here(listed, other, now):
    said = json.loads(listed) | {"site": "https://elsewhere.example"}
    parsed = blocklists.parse(json.dumps(said).encode())
    look = blocklists.preview(creator_id=other.pk, listed=parsed, now=now)
    assert (look.is_of_this_site, look.new, look.unknown) == (False, [], 2)
    assert len(look.new_filters) == 1


WRONG = {
    "not JSON": b"hello",
    "not a list": b"[]",
    "not text": b"\xff\xfe",
    "another format": b'{"format": "other"}',
    "too large": b" " * 1_000_001,
}


@pytest.mark.parametrize("content", WRONG.values(), ids=WRONG.keys())
def test_a_bad_file_is_explained(content):
    with pytest.raises(blocklists.BadList) as refused:
        blocklists.parse(content)
    assert "list" in str(refused.value) or "large" in str(refused.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version": 2}, "version"),
        ({"bans": [{"user": "1", "name": ""}]}, "user"),
        ({"bans": [{"user": 0, "name": ""}]}, "user"),
        ({"bans": [{"user": 1, "name": "", "email": "x"}]}, "email"),
        ({"bans": [{"user": 1, "name": ""}] * 5_001}, "5,000"),
        ({"filters": [{"kind": "pattern", "text": "(", "effect": "refuse"}]}, "not closed"),
    ],
    ids=["version", "text", "zero", "unknown field", "too many", "bad filter"],
)
def test_what_is_wrong_in_a_file_is_named(listed, change, said):
    with pytest.raises(blocklists.BadList) as refused:
        blocklists.parse(json.dumps(json.loads(listed) | change).encode())
    assert said in str(refused.value)


def test_too_many_filters_change_nothing(listed, other, now, monkeypatch):
    monkeypatch.setattr(screening, "MOST", 0)
    with pytest.raises(screening.TooManyFilters):
        blocklists.take_in(
            creator_id=other.pk, listed=blocklists.parse(listed), by=other.user, now=now
        )
    assert not Sanction.objects.filter(creator=other).exists()
    assert not Action.objects.filter(creator=other).exists()


def test_what_waits_of_those_whom_a_list_bans_is_never_shown(show, listed, bob, alice, now, say):
    other = CreatorFactory()
    theirs = LiveSessionFactory(piece__creator=other)
    mine = say(alice, state=MessageState.HELD, shown_at=now)
    waits = say(alice, state=MessageState.HELD, shown_at=now, piece_id=theirs.pk)
    parsed = blocklists.parse(listed)
    blocklists.take_in(creator_id=other.pk, listed=parsed, by=other.user, now=now)
    assert holding.show_due(now=now) == 1
    mine.refresh_from_db()
    waits.refresh_from_db()
    assert (mine.state, waits.state) == (MessageState.SHOWN, MessageState.REJECTED)


def test_no_list_is_given_that_could_not_be_taken_in(listed, bob, alice, dave, now, monkeypatch):
    monkeypatch.setattr(blocklists, "MOST_ENTRIES", 2)
    monkeypatch.setattr(screening, "MOST", 1)
    given = blocklists.export(creator=bob.creator, by=bob, now=now)
    assert [ban.user for ban in blocklists.parse(given).bans] == [dave.pk]


@pytest.mark.parametrize(
    "content",
    [
        b'{"bans":' + b"[" * 100_000,
        b'{"x":' + b'{"x":' * 100_000,
        b'{"format":"liveshop-block-list","bans":[{"user":' + b"9" * 5_000 + b"}]}",
    ],
    ids=["lists", "objects", "number"],
)
def test_what_is_deep_or_long_is_refused_as_anything_else(content):
    with pytest.raises(blocklists.BadList):
        blocklists.parse(content)
