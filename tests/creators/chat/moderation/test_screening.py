import pytest

from creators.chat.models import Action, Filter
from creators.chat.moderation import queries, screening, undoing
from creators.chat.moderation.filters import BadFilter, Rule
from creators.chat.standing import read_standing
from tests.factories.creators import LiveSessionFactory

pytestmark = pytest.mark.django_db

RULE = Rule(0, "words", "lamp", "refuse")


def _add(bob, now, rule=RULE):
    return screening.add_filter(creator_id=bob.creator.pk, rule=rule, by=bob, now=now)


def test_a_dry_run_tells_which_lines_would_have_been_found_and_changes_nothing(
    show, alice, bob, now, say
):
    hit = say(alice, "what a LAAAMP")
    say(alice, "lampshade")
    say(bob, "my lamp is on sale")
    trial = screening.dry_run(creator_id=bob.creator.pk, rule=RULE, sentence="a l4mp?")
    assert [(one.line.pk, one.found) for one in trial.hits] == [(hit.pk, "laaamp")]
    assert (trial.tried, trial.sentence_found) == (2, "lamp")
    assert not Filter.objects.exists()


def test_a_dry_run_looks_at_the_last_lines_of_this_creators_shows(show, alice, bob, now, say):
    elsewhere = LiveSessionFactory()
    say(alice, "a lamp", piece_id=elsewhere.pk)
    for number in range(3):
        say(alice, f"lamp {number}")
    newest = queries.newest_lines(bob.creator.pk, limit=2)
    assert [line.body for line in newest] == ["lamp 2", "lamp 1"]
    assert queries.DRY_RUN_LINES == 1_000


def test_a_filter_is_used_removed_and_both_are_undone(show, bob, now):
    kept = _add(bob, now)
    assert read_standing(show.pk).judge.judge("a lamp").filter_id == kept.pk
    screening.remove_filter(filter_id=kept.pk, by=bob, now=now)
    assert read_standing(show.pk).judge.judge("a lamp") is None
    added, removed = Action.objects.order_by("pk")
    undoing.undo(action_id=removed.pk, by=bob, now=now)
    assert read_standing(show.pk).judge.judge("a lamp") is not None
    undoing.undo(action_id=added.pk, by=bob, now=now)
    assert read_standing(show.pk).judge.judge("a lamp") is None


def test_a_bad_filter_is_neither_tried_nor_kept(bob, now):
    bad = Rule(0, "pattern", "(", "refuse")
    with pytest.raises(BadFilter):
        screening.dry_run(creator_id=bob.creator.pk, rule=bad)
    with pytest.raises(BadFilter):
        _add(bob, now, bad)


def test_there_are_so_many_filters_and_no_more(bob, now, monkeypatch):
    monkeypatch.setattr(screening, "MOST", 1)
    _add(bob, now)
    with pytest.raises(screening.TooManyFilters):
        _add(bob, now)


def test_patterns_together_are_no_more_work_than_one_may_be(bob, now):
    def add(number):
        rule = Rule(0, "pattern", f"(?:.?){{300}}{number}", "withhold")
        return screening.add_filter(creator_id=bob.creator.pk, rule=rule, by=bob, now=now)

    add(1)
    with pytest.raises(screening.TooMuchToMatch):
        add(2)
