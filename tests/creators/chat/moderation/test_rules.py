import pytest

from creators.chat.models import Action
from creators.chat.moderation import queries, rules, texts, undoing
from creators.chat.standing import read_standing
from shops.facts.models import Event
from shops.facts.refused import Invalid
from tests.factories.creators import LiveSessionFactory

pytestmark = pytest.mark.django_db


def test_a_show_begins_with_its_creators_rules_until_it_has_its_own(show, bob, now, place):
    rules.set_rules(place=place.everywhere, by=bob, now=now, slow_seconds=30)
    assert read_standing(show.pk).rules.slow_seconds == 30
    rules.set_rules(place=place, by=bob, now=now, hold_seconds=2, followers_only=True)
    own = read_standing(show.pk).rules
    assert (own.slow_seconds, own.hold_seconds, own.followers_only) == (0, 2, True)
    elsewhere = LiveSessionFactory(piece__creator=bob.creator)
    assert read_standing(elsewhere.pk).rules.slow_seconds == 30


def test_a_show_goes_back_to_its_creators_rules_and_the_rev_only_grows(show, bob, now, place):
    revs = [read_standing(show.pk).rules.rev]
    for change in (
        {"slow_seconds": 10},
        {"as_default": True},
        {"slow_seconds": 10},
    ):
        rules.set_rules(place=place, by=bob, now=now, **change)
        revs.append(read_standing(show.pk).rules.rev)
    rules.set_rules(place=place.everywhere, by=bob, now=now, hold_seconds=1)
    revs.append(read_standing(show.pk).rules.rev)
    assert revs == sorted(set(revs))
    assert queries.rules_in(place)[1]


def test_setting_what_is_set_changes_nothing(bob, now, place):
    for _ in range(2):
        rules.set_rules(place=place, by=bob, now=now, slow_seconds=10)
    assert Action.objects.count() == Event.objects.filter(kind="RulesChanged").count() == 1


def test_undoing_brings_back_that_the_show_had_none(show, bob, now, place):
    before = read_standing(show.pk).rules
    rules.set_rules(place=place, by=bob, now=now, slow_seconds=10)
    undoing.undo(action_id=Action.objects.get().pk, by=bob, now=now)
    rules.set_rules(place=place.everywhere, by=bob, now=now, slow_seconds=60)
    assert before.slow_seconds == 0
    assert read_standing(show.pk).rules.slow_seconds == 60


def test_an_older_change_is_not_undone_over_a_newer_one(bob, now, place):
    rules.set_rules(place=place, by=bob, now=now, slow_seconds=10)
    rules.set_rules(place=place, by=bob, now=now, slow_seconds=20)
    older = Action.objects.earliest("pk")
    with pytest.raises(undoing.TooLate):
        undoing.undo(action_id=older.pk, by=bob, now=now)
    older.refresh_from_db()
    assert older.undone_at is None


@pytest.mark.parametrize("wrong", [{"slow_seconds": 2}, {"slow_seconds": 121}, {"hold_seconds": 6}])
def test_rules_have_bounds(bob, now, place, wrong):
    with pytest.raises(Invalid):
        rules.set_rules(place=place, by=bob, now=now, **wrong)


def test_rules_are_said_in_words(bob, now, place):
    found = rules.set_rules(place=place, by=bob, now=now, slow_seconds=10, followers_only=True)
    assert texts.rules_in_words(found) == [
        "Slow mode: one line each 10 s",
        "Only followers may write",
    ]
