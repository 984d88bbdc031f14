import pytest

from creators.chat.models import Action, AppealState
from creators.chat.moderation import appeals, sanctions, undoing
from creators.chat.standing import read_standing
from shops.facts.refused import Invalid, NotAllowed, NotFound

pytestmark = pytest.mark.django_db


@pytest.fixture
def sanction(show, alice, erin, now):
    return sanctions.mute(piece_id=show.pk, user_id=alice.pk, by=erin, now=now)


def _appeal(sanction, by, now, text="It was a joke."):
    return appeals.appeal(sanction_id=sanction.pk, by=by, text=text, now=now)


def _answer(appeal, by, now, *, grant, words=""):
    return appeals.answer(appeal_id=appeal.pk, by=by, grant=grant, words=words, now=now)


def test_one_appeals_once_with_words(sanction, alice, now):
    with pytest.raises(Invalid):
        _appeal(sanction, alice, now, " \n ")
    with pytest.raises(Invalid):
        _appeal(sanction, alice, now, "x" * 501)
    assert _appeal(sanction, alice, now).state == AppealState.OPEN
    with pytest.raises(appeals.AppealedAlready):
        _appeal(sanction, alice, now, "and another thing")


def test_only_who_is_sanctioned_appeals_and_only_while_it_holds(sanction, alice, dave, now):
    with pytest.raises(NotFound):
        _appeal(sanction, dave, now)
    with pytest.raises(appeals.NothingToAppeal):
        _appeal(sanction, alice, sanction.until)


def test_granting_lifts_the_sanction(show, sanction, alice, frank, now):
    granted = _answer(_appeal(sanction, alice, now), frank, now, grant=True, words="Sorry.")
    assert (granted.state, granted.answer) == (AppealState.GRANTED, "Sorry.")
    assert read_standing(show.pk).mute_of(alice.pk, now=now) is None


def test_denying_needs_words_and_changes_nothing_else(show, sanction, alice, bob, now):
    appeal = _appeal(sanction, alice, now)
    with pytest.raises(Invalid):
        _answer(appeal, bob, now, grant=False)
    denied = _answer(appeal, bob, now, grant=False, words="Read the rules.")
    assert denied.state == AppealState.DENIED
    mute = read_standing(show.pk).mute_of(alice.pk, now=now)
    assert mute.appeal == "denied"
    with pytest.raises(appeals.AnsweredAlready):
        _answer(appeal, bob, now, grant=True)


def test_who_moderates_one_show_does_not_answer(sanction, alice, erin, now):
    with pytest.raises(NotAllowed):
        _answer(_appeal(sanction, alice, now), erin, now, grant=True)


def test_lifting_answers_the_appeal_too(sanction, alice, bob, now):
    appeal = _appeal(sanction, alice, now)
    sanctions.lift(sanction_id=sanction.pk, by=bob, now=now)
    appeal.refresh_from_db()
    assert appeal.state == AppealState.GRANTED


@pytest.mark.parametrize("grant", [True, False])
def test_an_answer_is_undone_and_the_appeal_waits_again(show, sanction, alice, bob, now, grant):
    appeal = _appeal(sanction, alice, now)
    _answer(appeal, bob, now, grant=grant, words="…")
    undoing.undo(action_id=Action.objects.latest("pk").pk, by=bob, now=now)
    appeal.refresh_from_db()
    assert (appeal.state, appeal.answer) == (AppealState.OPEN, "")
    assert read_standing(show.pk).mute_of(alice.pk, now=now).appeal == "open"


def test_the_card_of_a_sanction_grows_newer_with_its_appeal(sanction, alice, now):
    before = sanction.rev
    _appeal(sanction, alice, now)
    sanction.refresh_from_db()
    assert sanction.rev == before + 1
